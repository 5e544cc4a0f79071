"""welcome: what the terminal says once the demonstration answers: sign-in link, portal, and the first time a key."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.urls import reverse
from django.utils import timezone

from config.demo.company import SLUG
from config.demo.staff import OFFICER
from governance.access import service_keys, sign_in
from governance.models import Controller, ServiceAccount, StaffUser
from governance.policy.principal import operator
from governance.policy.vocabulary import Role

SERVICE = "demo-shop"


class Command(BaseCommand):
    """Greet whoever started the demonstration."""

    help = "Print a one-time console sign-in link, the portal address and, the first time, a service key."

    def handle(self, *_args: object, **_options: Any) -> None:
        address = settings.GOVERNANCE_PUBLIC_URL.rstrip("/")
        controller = Controller.objects.filter(slug=SLUG).first()
        officer = StaffUser.objects.filter(email=OFFICER).first()
        if not settings.GOVERNANCE_DEMO or controller is None or officer is None:
            self.stdout.write(f"Ready: {address}/")
            return
        token = sign_in.issue_link(officer, principal=operator(controller.pk.hex), instant=timezone.now())
        self.stdout.write(f"Console (works once): {address}{reverse('sign_in_link', args=[token])}")
        self.stdout.write(f"Portal:               {address}/")
        self.stdout.write(f"Letters it sends:     {address}/console/mailbox/")
        key = _first_key(controller)
        if key:
            self.stdout.write(f"Service key (shown this once): {key}")


def _first_key(controller: Controller) -> str | None:
    if ServiceAccount.objects.filter(controller=controller, name=SERVICE).exists():
        return None
    principal = operator(controller.pk.hex)
    account = service_keys.create_account(controller, SERVICE, [Role.INTEGRATOR], ["*"], principal=principal)
    return service_keys.issue(account, principal=principal)
