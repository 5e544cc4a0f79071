"""backup: a copy of the database in one file; the key file and the erasure ledger are never in it."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from governance import audit
from governance.management import copies
from governance.models import LedgerCheckpoint
from governance.policy.principal import operator
from governance.policy.vocabulary import AuditType


class Command(BaseCommand):
    help = (
        "Copies the database into a new file: SQLite's backup, or pg_dump's custom format. The key file is not in it, "
        "and without it nothing in the copy opens: keep it elsewhere. The erasure ledger is not in it either: keep its "
        "newest copy, and never put an older one back."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="Where to; it must not exist yet.")

    def handle(self, *_args: Any, **options: Any) -> None:
        file: Path = options["file"]
        with transaction.atomic(durable=True):
            # Before the copy: whoever restores it finds in it that it was made.
            size = LedgerCheckpoint.objects.order_by("-size").values_list("size", flat=True).first() or 0
            audit.record(AuditType.BACKUP_MADE, actor=operator(""), details={"checkpoint": size})
        try:
            copies.copy_to(file)
        except FileExistsError as exists:
            message = f"{file} exists; choose a new name."
            raise CommandError(message) from exists
        self.stdout.write(f"Copied the database to {file}; its signed ledger has {size} events.")
        self.stdout.write(f"Not in it: the key file {settings.GOVERNANCE_KEY_FILE}. Keep a copy of that elsewhere.")
        self.stdout.write(f"Not in it: the erasure ledger {settings.GOVERNANCE_ERASURE_LEDGER}. Keep its newest copy.")
