"""The copy a person receives: a ZIP with a page to read, JSON to take elsewhere, tables and digests; pure.

package = build(meta, sections)
problems = verify(package)
"""

from dsar.package.archive import FORMAT, build, pieces, verify
from dsar.package.contents import Column, PackageMeta, Purpose, Section, Withheld

__all__ = ["FORMAT", "Column", "PackageMeta", "Purpose", "Section", "Withheld", "build", "pieces", "verify"]
