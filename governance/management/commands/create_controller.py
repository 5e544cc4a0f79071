"""create_controller: makes a controller, the first one of an installation included; changes none."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, transaction

from governance import audit
from governance.models import Controller
from governance.policy.principal import operator
from governance.policy.vocabulary import AuditType


class Command(BaseCommand):
    """Create a controller."""

    help = "Create a controller (a legal entity that decides why and how data is processed)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--name", required=True)
        parser.add_argument("--country", default="DE", help="ISO 3166-1 code")
        parser.add_argument("--time-zone", default="Europe/Berlin")
        parser.add_argument("--contact", default="")
        parser.add_argument("--authority", default="")
        parser.add_argument("--single-officer", action="store_true")
        parser.add_argument("--default", action="store_true")

    def handle(self, *_args: object, **options: Any) -> None:
        try:
            with transaction.atomic():
                self._create(options)
        except IntegrityError:
            message = "A controller with this slug, or another default controller, exists"
            raise CommandError(message) from None
        self.stdout.write(f"Controller {options['slug']} created")

    def _create(self, options: dict[str, Any]) -> None:
        controller = Controller.objects.create(
            slug=options["slug"],
            name=options["name"],
            country=options["country"],
            time_zone=options["time_zone"],
            contact=options["contact"],
            authority=options["authority"],
            single_officer=options["single_officer"],
            is_default=options["default"],
        )
        audit.record(
            AuditType.CONTROLLER_CREATED,
            actor=operator(controller.pk.hex),
            controller_id=controller.pk,
            object_ref=f"controller:{controller.pk.hex}",
            details={"single_officer": controller.single_officer},
        )
