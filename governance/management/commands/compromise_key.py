"""compromise_key: the drill for a key that somebody else may hold; the work is done elsewhere."""

import csv
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance.errors import GovernanceError
from governance.keys import compromise
from governance.vault import resealing


class Command(BaseCommand):
    """Mark a key as compromised, list who was readable by it, seal anew. May be killed and called again."""

    help = "Marks a controller's epoch or one person's key as compromised, lists who is exposed, and seals anew."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("key_id", nargs="?", help="As rotate_keys --status or the ledger name it; none to go on.")
        parser.add_argument("--export", type=Path, metavar="FILE", help="Write the ids of those exposed, as CSV.")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--list-only", action="store_true", help="Mark and list, and leave re-sealing to the worker.")
        how.add_argument(
            "--destroy", action="store_true", help="Also destroy what is no longer used here. Nothing brings it back."
        )

    def handle(self, *_args: object, **options: Any) -> None:
        try:
            if options["key_id"]:
                compromise.mark(options["key_id"])
        except GovernanceError as refused:
            raise CommandError(refused.detail or refused.title) from refused
        self.stdout.write(f"{compromise.exposed().count()} keys are exposed.")
        if options["export"]:
            self._export(options["export"])
        if not options["list_only"]:
            self._work()
            self._end(is_asked=options["destroy"])

    def _export(self, path: Path) -> None:
        with path.open("x", encoding="utf-8", newline="") as file:
            path.chmod(0o600)
            lines = csv.writer(file)
            lines.writerow(["controller", "kind", "id", "key"])
            for row in compromise.exposed().iterator():
                lines.writerow([row.controller_id, row.scope_kind, row.scope_id, row.key_id])

    def _work(self) -> None:
        # Waiting at the end: what another worker has in hand would otherwise be resealed before it has a new key.
        while count := compromise.replace() or compromise.replace(wait=True):
            self.stdout.write(f"{count} owners have a new key")
        if stuck := compromise.waiting().count():
            self.stderr.write(f"{stuck} keys do not open, so their owners have no new one: see manage.py coverage.")
        self.stdout.write(f"{resealing.reseal()} values sealed anew")

    def _end(self, *, is_asked: bool) -> None:
        if is_asked:
            self.stdout.write(f"{resealing.finish()} compromised keys destroyed")
            if left := compromise.exposed().count():
                self.stdout.write(
                    f"{left} are kept: still used, or marked less than {resealing.SETTLED} ago. Call this again."
                )
        elif free := resealing.unused():
            self.stdout.write(
                f"{free} compromised keys are no longer used here, and are kept. Once other systems have had opened "
                "what they keep sealed (POST /v1/vault/seal), destroy them: manage.py compromise_key --destroy"
            )
