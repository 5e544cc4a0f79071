"""change_controller: gives a controller another name, portal host, contact, zone or approval rule; makes none."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance.access import controllers
from governance.errors import GovernanceError
from governance.management.facts import add_facts, controller_named, facts_in, in_words
from governance.policy.principal import operator


class Command(BaseCommand):
    """Change a controller; the ledger names the fields, and holds no value."""

    help = "Change a controller: only what is given changes; an empty text takes a fact back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        add_facts(parser)

    def handle(self, *_args: object, **options: Any) -> None:
        controller = controller_named(options["slug"])
        try:
            changed = controllers.change(controller, principal=operator(controller.pk.hex), **facts_in(options))
        except GovernanceError as refused:
            raise CommandError(in_words(refused)) from refused
        self.stdout.write(f"Changed: {', '.join(changed) or 'nothing'}")
