"""seal_column: seals a plaintext column of a live table beside it; the work is done in governance/vault."""

from collections import Counter
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance.errors import GovernanceError
from governance.vault import column_sealing


class Command(BaseCommand):
    help = (
        "Seals the values of a plain column into a sealed one beside it, in batches, while rows are written. Then "
        "compares both; --clear empties the plain column where both are equal. Killed at any moment, the next run "
        "goes on. Exit code 1: some values are not equal yet. How to do it: docs/operating.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("model", metavar="APP.MODEL")
        parser.add_argument("plain", metavar="PLAIN", help="The plaintext column.")
        parser.add_argument("sealed", metavar="SEALED", help="The sealed column, null=True, in the same model.")
        parser.add_argument("--clear", action="store_true", help="Empty the plain column where both are equal.")
        parser.add_argument("--batch", type=int, default=column_sealing.BATCH, metavar="ROWS")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            of = column_sealing.pair(apps.get_model(options["model"]), options["plain"], options["sealed"])
            self._work(of, options["batch"], is_clearing=options["clear"])
        except (LookupError, ValueError, FieldDoesNotExist) as unknown:
            message = f"There is no such model or column: {options['model']}"
            raise CommandError(message) from unknown
        except GovernanceError as refused:
            complaints = "; ".join(error.detail for error in refused.errors)
            raise CommandError(f"{refused.detail} {complaints}".strip()) from refused

    def _work(self, of: column_sealing.Pair, batch: int, *, is_clearing: bool) -> None:
        self.stdout.write(f"sealed {column_sealing.fill(of, batch=batch)}")
        compared = column_sealing.verify(of, batch=batch)
        self.stdout.write(f"equal {compared['equal']}, sealed anew {compared['renewed']}")
        cleared = column_sealing.clear(of, batch=batch) if is_clearing else Counter()
        if is_clearing:
            self.stdout.write(f"cleared {cleared['cleared']}, kept {cleared['kept']}")
        if closed := compared["closed"]:
            message = (
                f"{closed} values stay plain: they belong to people who were erased, or whose erasure waits. "
                "Empty or delete the rows of those who were erased, then run again."
            )
            raise CommandError(message)
        if cleared["kept"]:
            raise CommandError("Some values are not equal: they were written meanwhile. Run again.")
