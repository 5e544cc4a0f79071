"""name_brand: gives a controller a brand, or a brand another name, host, sender or colour, for letters and portal."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance.access import controllers
from governance.errors import GovernanceError
from governance.management.facts import controller_named, in_words, portal_of
from governance.policy.principal import operator


class Command(BaseCommand):
    """Make or change a brand; its portal is at /privacy/b/SLUG/, and at /privacy/ on a host of its own."""

    help = "Make or change a brand of a controller: --name, --host, --sender, --accent."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--controller", help="slug of the controller; the default controller when left out")
        parser.add_argument("--name")
        parser.add_argument("--host", help="the host name of its own portal, which is in ALLOWED_HOSTS")
        parser.add_argument("--sender", help="the address that its letters come from")
        parser.add_argument("--accent", help="#rrggbb, dark enough for white letters and to be read on pale grey")

    def handle(self, *_args: object, **options: Any) -> None:
        controller = controller_named(options["controller"])
        face = {name: options[name] for name in ("name", "host", "sender", "accent") if options[name] is not None}
        try:
            brand, changed = controllers.show_as(
                controller, options["slug"], principal=operator(controller.pk.hex), **face
            )
        except GovernanceError as refused:
            raise CommandError(in_words(refused)) from refused
        path = f"/privacy/b/{brand.slug}/"
        there = f"its portal is at {brand.host}/privacy/" if brand.host else portal_of(controller, path)
        self.stdout.write(f"Changed: {', '.join(changed) or 'nothing'}; {there}")
