"""coverage: says how much of what should be sealed is, by column; the work is done in governance/vault."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from governance.errors import GovernanceError
from governance.vault import coverage

INCOMPLETE = 1
CANNOT_TELL = 2


class Command(BaseCommand):
    help = (
        "Opens every value of every sealed column once and counts, by column: sealed, erased, and what is wrong "
        "(plaintext, corrupt, failed, unknown_key, old_key, unusable_key, orphan). It prints no value. "
        "Exit code 0: all is sealed. 1: something is wrong. 2: it could not be told."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="One JSON object a line, for machines.")
        parser.add_argument("--batch", type=int, default=coverage.BATCH, metavar="ROWS")

    def handle(self, *_args: Any, **options: Any) -> None:
        problems = 0
        try:
            for found in coverage.survey(options["batch"]):
                self._tell(found, is_json=options["json"])
                problems += found.problems
        except (DatabaseError, GovernanceError) as error:
            message = f"It could not be told: {type(error).__name__}"
            raise CommandError(message, returncode=CANNOT_TELL) from error
        if problems:
            message = f"{problems} values are not sealed as they should be."
            raise CommandError(message, returncode=INCOMPLETE)
        if not options["json"]:
            self.stdout.write(self.style.SUCCESS("Everything that should be sealed is."))

    def _tell(self, found: coverage.Coverage, *, is_json: bool) -> None:
        if is_json:
            self.stdout.write(json.dumps({"name": found.name, **found.counts}, sort_keys=True))
            return
        counts = ", ".join(f"{count} {name}" for name, count in sorted(found.counts.items())) or "empty"
        self.stdout.write(f"{found.name}: {counts}")
