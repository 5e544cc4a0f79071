"""restore: a copy in the place of the database, and then every erasure since that copy carried out again."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection, transaction

from governance import audit
from governance.errors import ErasuresMissing, GovernanceError
from governance.keys import data_keys
from governance.management import copies
from governance.models import LedgerCheckpoint
from governance.policy.principal import operator
from governance.policy.vocabulary import AuditType
from governance.subjects import outside, replaying


class Command(BaseCommand):
    help = (
        "Puts a copy made by `backup` in the place of the database, migrates it, and carries out again every erasure "
        "that the erasure ledger names. Stop the service first. The key file and the erasure ledger stay as they are. "
        "With --replay and without a file it only carries out the erasures; with --ledger-lost it writes the erasure "
        "ledger again from the database, for when no newer copy of it can be found."
    )
    # It must run where the checks refuse: that is what it is for.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, nargs="?", help="A copy made by `backup`.")
        parser.add_argument("--replay", action="store_true", help="Only carry out the erasures that are missing here.")
        parser.add_argument("--ledger-lost", action="store_true", help="Write the lost erasure ledger again from here.")
        parser.add_argument("--no-replay", action="store_true", help="Restore only; the service will refuse to start.")

    def handle(self, *_args: Any, **options: Any) -> None:
        file: Path | None = options["file"]
        if (file is None) != (options["replay"] or options["ledger_lost"]):
            raise CommandError("Name a copy to restore, or say --replay or --ledger-lost.")
        if options["no_replay"] and file is None:
            raise CommandError(
                "--no-replay goes with a copy to restore; with --replay or --ledger-lost it says nothing."
            )
        try:
            if file is not None:
                self._restore(file)
            if options["ledger_lost"]:
                self._rebuild()
            if not options["no_replay"]:
                self._replay()
        except (GovernanceError, DatabaseError, OSError) as error:
            raise CommandError(str(error)) from error

    def _restore(self, file: Path) -> None:
        before = _newest()
        copies.restore_from(file)
        data_keys.forget()
        call_command("migrate", interactive=False, verbosity=0)
        after = _newest()
        kept, lost = _size(after), max(0, _size(before) - _size(after))
        with transaction.atomic(durable=True):
            audit.record(AuditType.BACKUP_RESTORED, actor=operator(""), details={"events": kept, "lost": lost})
        self.stdout.write(f"Restored {file}. Its signed ledger has {kept} events.")
        if before is not None and lost:
            note = Path(f"{settings.GOVERNANCE_ERASURE_LEDGER}.checkpoint-{before.size}")
            note.write_text(before.note, encoding="utf-8")
            self.stdout.write(
                self.style.WARNING(
                    f"{lost} signed events that stood here before are not in it: {kept} to {before.size - 1}. "
                    f"`verify_audit` holds for what is here; against a checkpoint kept from before, such as {note}, "
                    "it names the loss, and so does every witness. That is as it should be: keep the note."
                )
            )

    def _replay(self) -> None:
        done = replaying.replay()
        outside.require_current()
        again = f"{done['erased']} people were erased again, {done['buried']} were not in this copy"
        self.stdout.write(f"Erasure ledger: {again}, {done['known']} were erased here already.")
        if done["without_controller"]:
            self.stdout.write(f"{done['without_controller']} belong to controllers that this copy does not know.")

    def _rebuild(self) -> None:
        try:
            outside.require_current()
        except ErasuresMissing:
            count = outside.rebuild()
        else:
            count = 0
        with transaction.atomic(durable=True):
            audit.record(AuditType.ERASURE_REPLAYED, actor=operator(""), details={"lines_rebuilt": count})
        self.stdout.write(
            f"Wrote {count} lines of the erasure ledger again. Erasures that this database does not know are lost: "
            "whoever was erased after the copy was made has to be erased again."
        )


def _newest() -> LedgerCheckpoint | None:
    """Answer the newest signed head, or None where there is none yet, or nothing at all."""
    if LedgerCheckpoint._meta.db_table not in connection.introspection.table_names():
        return None
    return LedgerCheckpoint.objects.order_by("-size").first()


def _size(checkpoint: LedgerCheckpoint | None) -> int:
    return 0 if checkpoint is None else checkpoint.size
