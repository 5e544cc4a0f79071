"""export_ledger: the ledger as a folder for whoever verifies it elsewhere; the work is done in audit."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from governance.audit import exporting
from governance.errors import GovernanceError
from governance.policy.principal import operator


class Command(BaseCommand):
    help = (
        "Writes checkpoint, tiles and bundles of entries into a folder, in the layout of C2SP tlog-tiles. Goes on "
        "where an earlier run stopped. Verify it anywhere: python -m governance.crypto folder DIR --policy KEYS. "
        "The folder holds pseudonyms and ids of every controller: keep it like the ledger itself."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            written = sum(1 for _tile in exporting.export(options["folder"], principal=operator("")))
        except (DatabaseError, GovernanceError, OSError) as error:
            message = f"The ledger could not be exported: {error}"
            raise CommandError(message) from error
        self.stdout.write(self.style.SUCCESS(f"{written} files written to {options['folder']}."))
