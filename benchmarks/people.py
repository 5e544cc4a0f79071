"""Fills a fresh installation with people who consented and prints a service key; for benchmarks only."""

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

from django.db import transaction
from django.utils import timezone

from consent import services
from governance import subjects
from governance.access import service_keys
from governance.catalogue import purposes
from governance.models import Controller
from governance.policy.principal import operator
from governance.policy.vocabulary import Role


def main(people: int) -> None:
    """Make one controller, one purpose, this many people, and one service."""
    controller = Controller.objects.create(slug="bench", name="Benchmark", is_default=True)
    principal = operator(controller.pk.hex)
    purpose = purposes.create(
        controller, principal=principal, key="news", name="News", lawful_basis="consent", channels=["email"]
    )
    for number in range(people):
        with transaction.atomic():
            person = subjects.register(controller, [("email", f"p{number}@bench.example")], principal=principal)
        services.record(
            person, purpose=purpose, state="given", method="import", occurred_at=timezone.now(), principal=principal
        )
    account = service_keys.create_account(controller, "bench", [Role.CHECKER], ["*"], principal=principal)
    print(service_keys.issue(account, principal=principal))


if __name__ == "__main__":
    main(int(sys.argv[1]))
