"""rotate_keys: begins and finishes rotations from a terminal; the work itself is done in governance/keys."""

import time
from argparse import ArgumentParser
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from governance.access import factor_seals
from governance.errors import GovernanceError
from governance.keys import providers, roots, rotation
from governance.models import Controller

_SAY_EVERY: Final = 5.0


class Command(BaseCommand):
    """Rotate keys without stopping anything. May be killed and called again; several may run at once."""

    help = (
        "Opens a new epoch of every controller's key, wraps all keys under it anew, retires and destroys the old epoch "
        "when a count proves it empty. Reads and writes go on meanwhile."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--controller", action="append", metavar="SLUG", help="Only this one; may be repeated.")
        parser.add_argument(
            "--batch", type=int, default=rotation.BATCH, help="Keys a transaction (default %(default)s)."
        )
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--continue", action="store_true", dest="only_continue", help="Open no epoch; finish what is."
        )
        what.add_argument(
            "--root", action="store_true", help="Wrap controllers' keys under the newest root key instead."
        )
        what.add_argument("--status", action="store_true", help="Show the epochs and change nothing.")
        what.add_argument(
            "--prepare", action="store_true", help="Make the root secrets of a key store that needs them."
        )
        what.add_argument("--adopt", metavar="PROVIDER", help="Take the root secrets of this provider before moving.")

    def handle(self, *_args: object, **options: Any) -> None:
        try:
            self._do(options)
        except GovernanceError as refused:
            raise CommandError(refused.detail or refused.title) from refused

    def _do(self, options: dict[str, Any]) -> None:
        chosen = self._controllers(options["controller"])
        if options["prepare"]:
            providers.prepare()
            self.stdout.write("The key store is ready.")
        elif options["adopt"]:
            self.stdout.write(f"{roots.adopt(options['adopt'])} root secrets adopted. Now call it with --root.")
        elif options["root"]:
            done = roots.rewrap() + factor_seals.rewrap()
            self.stdout.write(f"{done} keys wrapped under the newest root key.")
        else:
            if not (options["status"] or options["only_continue"]):
                for controller in chosen:
                    rotation.rotate(controller.pk)
            if not options["status"]:
                self._finish(options["batch"])
            self._show(chosen)

    def _controllers(self, slugs: list[str] | None) -> list[Controller]:
        if not slugs:
            return list(Controller.objects.order_by("slug"))
        found = {each.slug: each for each in Controller.objects.filter(slug__in=slugs)}
        if missing := sorted(set(slugs) - set(found)):
            message = f"There is no controller {', '.join(missing)}"
            raise CommandError(message)
        return [found[slug] for slug in dict.fromkeys(slugs)]

    def _finish(self, batch: int) -> None:
        began, done = time.monotonic(), 0
        said = began
        for count in rotation.rewrapping(batch):
            done += count
            if time.monotonic() - said >= _SAY_EVERY:
                said = time.monotonic()
                self._say(done, said - began)
        if done:
            self._say(done, time.monotonic() - began)
        rotation.end_emptied()

    def _say(self, done: int, seconds: float) -> None:
        left = sum(each.keys for each in rotation.progress() if each.state == "deactivated")
        self.stdout.write(f"{done} keys wrapped anew in {seconds:.1f} s, {left} to go")

    def _show(self, chosen: list[Controller]) -> None:
        for each in rotation.progress([controller.pk for controller in chosen]):
            self.stdout.write(f"{each.controller} epoch {each.epoch} ({each.key_id}): {each.state}, {each.keys} keys")
            if each.state == "deactivated" and each.keys:
                self.stderr.write("  What is left is held by another worker or does not open: see manage.py coverage.")
