"""Makes a member of staff and prints a one-time sign-in link as the last line; there is never a default password."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from governance.access import grants, second_factor, sign_in, staffing
from governance.management.facts import controller_named
from governance.models import Controller, StaffUser
from governance.policy.principal import operator
from governance.policy.vocabulary import STAFF_ROLES, Role

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    help = (
        "Makes a member of staff (a privacy officer unless --role says otherwise) and prints a one-time sign-in link."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--controller", help="slug of the controller to work for; the default one if left out")
        parser.add_argument("--name", default="")
        parser.add_argument(
            "--role", action="append", choices=[role.value for role in STAFF_ROLES], help="may be repeated"
        )
        parser.add_argument(
            "--start-over",
            action="store_true",
            help="forget password and second factors of somebody who lost them, and end their sessions",
        )

        parser.add_argument("--url", help="where staff reach the service, if not at GOVERNANCE_PUBLIC_URL")

    def handle(self, *_args: Any, **options: Any) -> None:
        email = options["email"].strip().lower()
        try:
            validate_email(email)
        except ValidationError:
            raise CommandError("Give a work e-mail address, such as officer@example.org.") from None
        controller = controller_named(options["controller"])
        roles = [Role(name) for name in options["role"] or []]
        if options["start_over"]:
            token = _start_over(email, controller)
        else:
            token = _appoint(email, options["name"], controller, roles or [Role.PRIVACY_OFFICER])
        path = reverse("sign_in_link", args=[token])
        self.stdout.write(f"Works once, for {sign_in.LINK_PERIOD.seconds // 60} minutes:")
        self.stdout.write(f"{(options['url'] or settings.GOVERNANCE_PUBLIC_URL).rstrip('/')}{path}")


@transaction.atomic(durable=True)
def _appoint(email: str, name: str, controller: Controller, roles: list[Role]) -> str:
    principal = operator(controller.pk.hex)
    user = StaffUser.objects.filter(email=email).first()
    if user is None:
        user = staffing.create(email, name=name, principal=principal)
    elif not user.is_active:
        raise CommandError(
            "This member of staff is inactive; make them active first: manage.py change_staff EMAIL --activate."
        )
    grants.serve(user, controller, roles, principal=principal)
    return sign_in.issue_link(user, principal=principal, instant=timezone.now())


@transaction.atomic(durable=True)
def _start_over(email: str, controller: Controller) -> str:
    principal = operator(controller.pk.hex)
    user = StaffUser.objects.filter(email=email, is_active=True).first()
    if user is None:
        raise CommandError("There is no active member of staff with this address.")
    second_factor.forget_all(user, principal=principal)
    return sign_in.issue_link(user, principal=principal, instant=timezone.now())
