"""create_controller: makes a controller, the first one of an installation included; changes none."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance.access import controllers
from governance.errors import GovernanceError
from governance.management.facts import add_facts, facts_in, in_words, portal_of


class Command(BaseCommand):
    """Create a controller."""

    help = "Create a controller (a legal entity that decides why and how data is processed)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        add_facts(parser)
        parser.add_argument("--default", action="store_true")

    def handle(self, *_args: object, **options: Any) -> None:
        try:
            facts = {"name": "", **facts_in(options)}
            made = controllers.create(options["slug"], is_default=options["default"], **facts)
        except GovernanceError as refused:
            raise CommandError(in_words(refused)) from refused
        self.stdout.write(f"Controller {options['slug']} created; {portal_of(made)}")
