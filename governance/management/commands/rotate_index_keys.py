"""rotate_index_keys: moves blind indexes to new keys while the service runs; the work is done in governance/vault."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance.errors import GovernanceError
from governance.models import Controller
from governance.vault import reindexing, sources


class Command(BaseCommand):
    help = (
        "Gives blind indexes new keys, online: opens the next version, adds the entries of every value in batches, "
        "takes it into use and deletes the old one. Values stay unique and findable throughout. Killed at any moment, "
        "the next run goes on where this one stopped. It also fills an index that was declared for existing values."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--controller", metavar="SLUG", help="One controller; all of them otherwise.")
        parser.add_argument("--label", action="append", metavar="LABEL", help="One index (repeatable); all otherwise.")
        parser.add_argument("--batch", type=int, default=reindexing.BATCH, metavar="ROWS")

    def handle(self, *_args: Any, **options: Any) -> None:
        controllers = Controller.objects.order_by("slug")
        if options["controller"]:
            controllers = controllers.filter(slug=options["controller"])
            if not controllers:
                raise CommandError("There is no controller with this slug")
        failed = False
        for controller in controllers:
            for label in options["label"] or sorted(sources.every()):
                failed |= not self._rotate(controller, label, options["batch"])
        if failed:
            raise CommandError("Not every index could be rotated; what was done is kept, run again")

    def _rotate(self, controller: Controller, label: str, batch: int) -> bool:
        try:
            version = reindexing.rotate(controller.pk, label, batch=batch)
        except GovernanceError as refused:
            self.stderr.write(f"{controller.slug} {label}: {refused.detail}")
            return False
        self.stdout.write(f"{controller.slug} {label}: version {version.version} in use")
        return True
