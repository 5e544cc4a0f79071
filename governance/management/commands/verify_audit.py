"""verify_audit: says whether the ledger holds and where it does not; the work is done in governance/audit."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from governance.audit.report import Report
from governance.audit.verify import LATE_AFTER, verify
from governance.errors import GovernanceError

BROKEN = 1
CANNOT_VERIFY = 2


class Command(BaseCommand):
    help = (
        "Recomputes the audit ledger from its events and checks every row, position and signed checkpoint. "
        "Exit code 0: everything holds. 1: broken; each problem names its index. 2: it could not be verified: "
        "the database or the signing key cannot be used, or events have waited too long for a position."
    )
    # It must be able to run, and say so, beside a database that is being migrated.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--anchor",
            type=Path,
            metavar="FILE",
            help="A checkpoint kept elsewhere; the ledger must extend it. Finds restored backups and rewritten pasts.",
        )
        parser.add_argument(
            "--late-after",
            type=int,
            default=int(LATE_AFTER.total_seconds()),
            metavar="SECONDS",
            help="How long an event may wait for its position (default: %(default)s).",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            report = verify(anchor=_read(options["anchor"]), late_after=timedelta(seconds=options["late_after"]))
        except (DatabaseError, GovernanceError, OSError, UnicodeDecodeError) as error:
            message = f"The ledger could not be verified: {error}"
            raise CommandError(message, returncode=CANNOT_VERIFY) from error
        self._tell(report)

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
        if report.is_late and report.oldest_pending is not None:
            message = (
                f"Events wait since {report.oldest_pending.isoformat()}: start the worker that runs the sequencer. "
                "All others hold."
            )
            raise CommandError(message, returncode=CANNOT_VERIFY)
        self.stdout.write(self.style.SUCCESS("The ledger holds."))


def _read(path: Path | None) -> str | None:
    return None if path is None else path.read_text(encoding="utf-8")
