"""name_brand: gives a controller a brand, or a brand another name, sender or colour; letters and the portal use it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance.access import controllers
from governance.errors import GovernanceError
from governance.management.facts import controller_named, in_words, portal_of
from governance.policy.principal import operator


class Command(BaseCommand):
    """Make or change a brand; its portal is at /privacy/b/SLUG/."""

    help = "Make or change a brand of a controller: --name, --sender, --accent."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--controller", help="slug of the controller; the default controller when left out")
        parser.add_argument("--name")
        parser.add_argument("--sender", help="the address that its letters come from")
        parser.add_argument("--accent", help="#rrggbb, dark enough for white letters")

    def handle(self, *_args: object, **options: Any) -> None:
        controller = controller_named(options["controller"])
        face = {name: options[name] for name in ("name", "sender", "accent") if options[name] is not None}
        try:
            brand, changed = controllers.show_as(
                controller, options["slug"], principal=operator(controller.pk.hex), **face
            )
        except GovernanceError as refused:
            raise CommandError(in_words(refused)) from refused
        there = portal_of(controller, f"/privacy/b/{brand.slug}/")
        self.stdout.write(f"Changed: {', '.join(changed) or 'nothing'}; {there}")
