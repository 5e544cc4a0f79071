"""create_service: makes a service account and prints its key once, as the last line; never stores the key."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError

from governance.access import service_keys
from governance.management.facts import controller_named
from governance.policy.principal import operator
from governance.policy.vocabulary import SERVICE_ROLES, Role


class Command(BaseCommand):
    """Create a service account with a key."""

    help = "Create a service account and print its key once, on the last line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--controller", help="slug of the controller; the default controller when left out")
        parser.add_argument(
            "--role", action="append", required=True, choices=[role.value for role in SERVICE_ROLES], dest="roles"
        )
        parser.add_argument(
            "--purpose", action="append", default=[], dest="purposes", help='purpose key, repeatable; "*" for all'
        )

    def handle(self, *_args: object, **options: Any) -> None:
        controller = controller_named(options["controller"])
        roles = [Role(name) for name in options["roles"]]
        principal = operator(controller.pk.hex)
        try:
            account = service_keys.create_account(
                controller, options["name"], roles, options["purposes"] or ["*"], principal=principal
            )
        except IntegrityError:
            message = "A service of this name exists; choose another name"
            raise CommandError(message) from None
        key = service_keys.issue(account, principal=principal)
        self.stdout.write(f"Service {account.name} for {controller.slug}; the key is shown this once:")
        self.stdout.write(key)
