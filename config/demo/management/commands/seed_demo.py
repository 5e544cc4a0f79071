"""seed_demo: makes the demonstration company; refuses in production and changes nothing that is there."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.demo import company
from config.demo.stores import OtherSeed

_WIDTH = 30


class Command(BaseCommand):
    """Make the demonstration company."""

    help = "Make the demonstration company. Cheap when it is there; refused unless GOVERNANCE_DEMO is on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--people", type=int, default=company.PEOPLE, help="how many customers there are")
        parser.add_argument("--requests", type=int, help="how many requests there are; 2 in 100 people when left out")
        parser.add_argument("--seed", type=int, default=company.SEED, help="the same seed makes the same people")

    def handle(self, *_args: object, **options: Any) -> None:
        people, seed = options["people"], options["seed"]
        if people < company.FEWEST or not 0 <= seed < 2**31:
            message = f"Take {company.FEWEST} people or more, and a seed from 0 to {2**31 - 1}"
            raise CommandError(message)
        started = time.monotonic()
        try:
            made = company.seed(company.Order(people, seed, options["requests"], self._progress))
        except (company.NotADemonstration, OtherSeed) as refused:
            raise CommandError(str(refused)) from None
        if made:
            seconds = time.monotonic() - started
            self.stdout.write(f"Made the demonstration company Larkspur Outdoor: {people} people, {seconds:.0f} s.")

    def _progress(self, what: str, done: int, of: int) -> None:
        """Draw a bar on the terminal; into a file it would only be noise."""
        if not self.stderr.isatty():
            return
        filled = _WIDTH * done // of
        end = "\n" if done >= of else ""
        self.stderr.write(f"\r{what:<26}[{'#' * filled:<{_WIDTH}}] {done}/{of}", ending=end)
        self.stderr.flush()
