"""run_sequencer: gives events their positions as they come, for whoever wants proofs sooner than at the next tick."""

import time
from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, close_old_connections

from governance.audit import sequencer
from governance.errors import GovernanceError

logger = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = (
        "Sequences the ledger until it is stopped. The worker does the same every few seconds; this process makes it"
        " tenths of a second. Any number may run: one leads, by a lease, and any of them may be killed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--every", type=float, default=0.03, metavar="SECONDS", help="Pause when nothing waits (%(default)s)."
        )
        parser.add_argument("--limit", type=int, default=5000, help="Events under one checkpoint (%(default)s).")

    def handle(self, *_args: Any, **options: Any) -> None:
        while True:
            if not once(options["limit"]):
                time.sleep(options["every"])


def once(limit: int) -> int:
    """Sequence one batch and answer how many events; a failure is logged, and the next call tries again."""
    try:
        return sequencer.sequence(limit)
    except (DatabaseError, GovernanceError) as error:
        logger.warning("sequencer.failed", error=type(error).__name__)
        close_old_connections()
        return 0
