"""verify_audit: says whether the ledger holds and where it does not; the work is done in governance/audit."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, transaction
from django.utils import timezone

from governance.audit import checking
from governance.audit.report import Report
from governance.audit.verify import verify
from governance.errors import GovernanceError
from governance.models import LedgerVerification

BROKEN = 1
CANNOT_VERIFY = 2
UNWITNESSED = 3


class Command(BaseCommand):
    help = (
        "Recomputes the audit ledger from its events and checks every row, position, tile and checkpoint; or one "
        "receipt, or an exported folder. Exit code 0: everything holds. 1: broken; each problem names its index. 2: it "
        "could not be verified: the database, a file or the signing key cannot be used, or events have waited too long "
        "for a position. 3: it holds by our own signature, and the witnesses' quorum of the policy did not cosign it."
    )
    # It must be able to run, and say so, beside a database that is being migrated.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--receipt", type=Path, metavar="FILE", help="Verify one receipt (.tlog-proof) instead.")
        what.add_argument("--folder", type=Path, metavar="DIR", help="Verify what export_ledger wrote instead.")
        what.add_argument(
            "--anchor",
            type=Path,
            metavar="FILE",
            help="A checkpoint kept elsewhere; the ledger must extend it. Finds restored backups and rewritten pasts.",
        )
        what.add_argument(
            "--since",
            type=Path,
            metavar="FILE",
            help="The same, and only what came after it is recomputed.",
        )
        parser.add_argument(
            "--processes",
            type=int,
            metavar="N",
            help="How many processes judge events (default: one; more for a long ledger on a large machine).",
        )
        parser.add_argument(
            "--late-after",
            type=int,
            metavar="SECONDS",
            help="How long an event may wait for its position (default: GOVERNANCE_LEDGER_LATE_SECONDS).",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            if options["receipt"] is not None:
                return self._receipt(options["receipt"])
            if options["folder"] is not None:
                return self._folder(options["folder"])
            report = verify(
                anchor=_read(options["anchor"]),
                since=_read(options["since"]),
                processes=options["processes"],
                late_after=_seconds(options["late_after"]),
            )
        except (DatabaseError, GovernanceError, OSError, UnicodeDecodeError) as error:
            message = f"The ledger could not be verified: {error}"
            raise CommandError(message, returncode=CANNOT_VERIFY) from error
        if options["since"] is None:
            _note(report)
        return self._tell(report)

    def _receipt(self, path: Path) -> None:
        found = checking.receipt(_read(path) or "")
        if found.problem:
            raise CommandError(found.problem, returncode=BROKEN)
        self.stdout.write(found.entry)
        self.stdout.write(self.style.SUCCESS(f"The receipt holds: entry {found.index} of {found.size}."))

    def _folder(self, path: Path) -> None:
        size, problems, count = checking.folder(path)
        for problem in problems:
            self.stderr.write(f"  {problem}")
        if count:
            message = f"The exported ledger does not hold: {count} problem(s)."
            raise CommandError(message, returncode=BROKEN)
        self.stdout.write(self.style.SUCCESS(f"The exported ledger holds: {size} entries."))

    def _tell(self, report: Report) -> None:
        self.stdout.write(
            f"{report.size} events under {report.checkpoints} signed checkpoints; {report.pending} wait for a position."
        )
        if not report.is_ok:
            for problem in report.problems:
                self.stderr.write(f"  {problem}")
            if report.found > len(report.problems):
                self.stderr.write(f"  and {report.found - len(report.problems)} more")
            message = f"The ledger does not hold: {report.found} problem(s)."
            raise CommandError(message, returncode=BROKEN)
        if report.unwitnessed is not None:
            message = (
                f"The checkpoint of size {report.unwitnessed} lacks the quorum of GOVERNANCE_WITNESS_POLICY, and so "
                "does every later one: see what the witnesses answer. Everything holds by this ledger's own signature."
            )
            raise CommandError(message, returncode=UNWITNESSED)
        if report.is_late and report.oldest_pending is not None:
            message = (
                f"Events wait since {report.oldest_pending.isoformat()}: start the worker that runs the sequencer. "
                "All others hold."
            )
            raise CommandError(message, returncode=CANNOT_VERIFY)
        self.stdout.write(self.style.SUCCESS("The ledger holds."))


def _note(report: Report) -> None:
    """Leave a row for the console. A database that takes none, such as a replica, is verified all the same."""
    with suppress(DatabaseError), transaction.atomic():
        LedgerVerification.objects.create(
            finished_at=timezone.now(), size=report.size, is_whole=report.is_ok, found=report.found
        )


def _read(path: Path | None) -> str | None:
    if path is None:
        return None
    # Line ends as they are: a carriage return is no part of any of these formats.
    with path.open(encoding="utf-8", newline="") as file:
        return file.read()


def _seconds(given: int | None) -> timedelta | None:
    return None if given is None else timedelta(seconds=given)
