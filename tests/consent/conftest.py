"""Two companies with purposes and a notice, services with keys, and a way to post; shared by the consent tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from consent import services
from governance import subjects
from governance.access import service_keys
from governance.catalogue import purposes
from governance.models import Controller, DataSubject, Purpose
from governance.policy.principal import operator
from governance.policy.vocabulary import Role

if TYPE_CHECKING:
    from django.http import HttpResponse

    from consent.models import NoticeRevision

JANE = "jane.doe@example.org"


@dataclass(frozen=True)
class House:
    """A controller with what its consents are about."""

    controller: Controller
    newsletter: Purpose
    offers: Purpose
    delivery: Purpose
    notice: NoticeRevision


@dataclass(frozen=True)
class Caller:
    """A service with its key."""

    key: str

    def post(self, path: str, body: Any, **headers: str) -> HttpResponse:
        return Client().post(
            path,
            body,
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.key}"} | headers,
        )

    def get(self, path: str) -> HttpResponse:
        return Client().get(path, headers={"Authorization": f"Bearer {self.key}"})

    def check(self, value: str = JANE, purpose: str = "newsletter", **more: Any) -> dict[str, Any]:
        body = {"subject": {"type": "email", "value": value}, "purpose": purpose} | more
        response = self.post("/v1/consent/check", body)
        assert response.status_code == 200, response.content
        return response.json()

    def record(self, state: str = "given", value: str = JANE, purpose: str = "newsletter", **more: Any) -> HttpResponse:
        body = {
            "subject": {"type": "email", "value": value},
            "purpose": purpose,
            "state": state,
            "method": "web_form",
            "notice": {"key": "privacy", "version": 1},
        }
        headers = {"Idempotency-Key": more.pop("idempotency_key")} if "idempotency_key" in more else {}
        return self.post("/v1/consent/events", body | more, **headers)


def house_of(slug: str, *, is_default: bool = False) -> House:
    controller = Controller.objects.create(
        slug=slug, name=slug.title(), is_default=is_default, contact=f"help@{slug}.example"
    )
    principal = operator(controller.pk.hex)

    def purpose(key: str, basis: str, **more: Any) -> Purpose:
        values = {"name": key.title(), "lawful_basis": basis, "description": f"What {key} is for."} | more
        return purposes.create(controller, principal=principal, key=key, **values)

    return House(
        controller,
        purpose("newsletter", "consent", channels=["email", "sms"], validity_days=365),
        purpose("offers", "legitimate_interest", direct_marketing=True, channels=["email", "post"]),
        purpose("delivery", "contract", data_categories=["user.contact"]),
        services.publish(
            controller, key="privacy", title="Privacy", language="en", text="What we do.", principal=principal
        ),
    )


def caller_for(house: House, *roles: Role, purposes: tuple[str, ...] = ("*",), name: str = "shop") -> Caller:
    principal = operator(house.controller.pk.hex)
    account = service_keys.create_account(house.controller, name, list(roles), list(purposes), principal=principal)
    return Caller(service_keys.issue(account, principal=principal))


@pytest.fixture
def house(db: None) -> House:
    return house_of("acme", is_default=True)


@pytest.fixture
def caller(house: House) -> Caller:
    return caller_for(house, Role.INTEGRATOR)


@pytest.fixture
def jane(house: House) -> DataSubject:
    return subjects.register(house.controller, [("email", JANE)], principal=operator(house.controller.pk.hex))
