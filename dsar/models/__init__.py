"""The tables of requests, one file a noun; no behaviour beyond what one row knows of itself."""

from dsar.models.outcome import FieldOutcome
from dsar.models.package import PackagePart, RequestPackage
from dsar.models.plan import RequestPlan
from dsar.models.request import RequestRight, SubjectRequest

__all__ = ["FieldOutcome", "PackagePart", "RequestPackage", "RequestPlan", "RequestRight", "SubjectRequest"]
