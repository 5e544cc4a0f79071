"""seed_demo: makes the demonstration company; refuses in production and changes nothing that is there."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.demo import company


class Command(BaseCommand):
    """Make the demonstration company."""

    help = "Make the demonstration company. Cheap when it is there; refused unless GOVERNANCE_DEMO is on."

    def handle(self, *_args: object, **_options: Any) -> None:
        if not settings.GOVERNANCE_DEMO:
            message = "GOVERNANCE_DEMO is off: made-up people do not belong beside real ones"
            raise CommandError(message)
        if company.seed():
            self.stdout.write("Made the demonstration company Larkspur Outdoor.")
