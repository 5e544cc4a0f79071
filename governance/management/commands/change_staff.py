"""`manage.py change_staff EMAIL`: lets a member of staff go, takes them back, or corrects name and address."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance.access import staffing
from governance.errors import GovernanceError
from governance.models import StaffUser
from governance.policy.principal import operator


class Command(BaseCommand):
    """Each change is an event of the ledger, under the operator of the command line."""

    help = "Changes a member of staff: --deactivate, --activate, --name, --email."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        standing = parser.add_mutually_exclusive_group()
        standing.add_argument("--deactivate", dest="is_active", action="store_false", default=None)
        standing.add_argument("--activate", dest="is_active", action="store_true", default=None)
        parser.add_argument("--name")
        parser.add_argument("--email", dest="new_email")

    def handle(self, *_args: Any, **options: Any) -> None:
        user = StaffUser.objects.filter(email=options["email"].lower()).first()
        if user is None:
            raise CommandError("There is no member of staff with this address.")
        asked = {"is_active": options["is_active"], "name": options["name"], "email": options["new_email"]}
        values = {name: value for name, value in asked.items() if value is not None}
        try:
            changed = staffing.change(user, principal=operator(""), **values)
        except GovernanceError as refused:
            raise CommandError(refused.detail) from refused
        self.stdout.write(f"Changed: {', '.join(changed) or 'nothing'}")
