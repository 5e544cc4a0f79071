"""A controller with one of everything that has an id, a service with a key and a desk in the console; twice over."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.models import Authenticator
from django.utils import timezone

from consent import services as consents
from dsar import services as requests
from dsar import tasks
from dsar.models import SubjectRequest
from governance import access, incidents, subjects
from governance.access import elevation, service_keys
from governance.catalogue import datasets, purposes
from governance.models import (
    Alert,
    Controller,
    Dataset,
    DataSubject,
    Elevation,
    Erasure,
    Incident,
    LedgerEntry,
    LegalHold,
    Purpose,
    ServiceAccount,
    StaffUser,
    SubjectIdentifier,
    System,
)
from governance.policy.principal import operator
from governance.policy.vocabulary import Role
from governance.systems import registering
from tests.dsar.conftest import last_code
from tests.governance.conftest import signed_in, staff

if TYPE_CHECKING:
    from pathlib import Path

    from django.test import Client

    from consent.models import NoticeRevision, PrivacyNotice
    from governance.policy.principal import Principal

TABLES = "CREATE TABLE customer (email TEXT PRIMARY KEY, name TEXT); INSERT INTO customer VALUES ('{email}', 'Canary');"
MAP = """
dataset:
  - fides_key: {key}
    name: Shop
    collections:
      - name: customer
        fides_meta: {{data_subject: customer}}
        fields:
          - {{name: email, data_categories: [user.contact.email], fides_meta: {{primary_key: true, identity: email}}}}
          - {{name: name, data_categories: [user.name]}}
"""


@dataclass(frozen=True)
class Estate:
    """What one controller has. Every key, name and address in it begins with the slug."""

    slug: str
    controller: Controller
    account: ServiceAccount
    key: str
    officer: StaffUser
    passkey: Authenticator
    subject: DataSubject
    identifier: SubjectIdentifier
    purpose: Purpose
    notice: PrivacyNotice
    revision: NoticeRevision
    system: System
    dataset: Dataset
    request: SubjectRequest
    event: LedgerEntry
    alert: Alert
    hold: LegalHold
    erasure: Erasure
    incident: Incident
    elevation: Elevation

    @property
    def email(self) -> str:
        return address_of(self.slug)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    @property
    def plan_digest(self) -> str:
        return self.request.plans.order_by("-pk")[0].digest

    @cached_property
    def desk(self) -> Client:
        """The officer at the console."""
        return signed_in(self.officer)

    @cached_property
    def agent_desk(self) -> Client:
        """A support agent at the console, who broke a glass before."""
        return signed_in(self.elevation.staff)

    @cached_property
    def own_pages(self) -> Client:
        """A colleague on the pages of their own factors, who has just shown the passkey again."""
        client = signed_in(self.passkey.user)
        session = client.session
        session[AUTHENTICATION_METHODS_SESSION_KEY][-1]["reauthenticated"] = True
        session.save()
        return client


def address_of(slug: str) -> str:
    return f"{slug}.canary@example.org"


def build(slug: str, folder: Path, *, is_default: bool = False) -> Estate:
    """Build through the services that the doors call."""
    controller = Controller.objects.create(
        slug=slug, name=slug.title(), is_default=is_default, contact=f"help@{slug}.example"
    )
    who = operator(controller.pk.hex)
    account = service_keys.create_account(
        controller, f"{slug}-shop", [Role.INTEGRATOR, Role.VAULT_READER], ["*"], principal=who
    )
    officer = staff(controller, Role.PRIVACY_OFFICER, Role.ADMINISTRATOR, email=f"officer@{slug}.example")
    subject = subjects.register(
        controller, [("email", address_of(slug)), ("customer_id", f"{slug}-1")], principal=who, verified=True
    )
    purpose = purposes.create(
        controller,
        key=f"{slug}-news",
        name=f"{slug} news",
        lawful_basis="consent",
        channels=["email"],
        principal=who,
    )
    revision = consents.publish(
        controller, key=f"{slug}-notice", title=f"{slug} notice", language="en", text="What we do.", principal=who
    )
    choice: dict[str, Any] = {"purpose": purpose, "state": "given", "method": "web_form", "notice_revision": revision}
    consents.record_for(controller, [("email", address_of(slug))], [consents.Choice(**choice)], principal=who)
    system, dataset = _system(controller, slug, folder)
    key = service_keys.issue(account, principal=who)
    return Estate(
        slug=slug,
        controller=controller,
        account=account,
        key=key,
        officer=officer,
        passkey=_passkey(controller, slug),
        subject=subject,
        identifier=subject.identifiers.get(type="email"),
        purpose=purpose,
        notice=revision.notice,
        revision=revision,
        system=system,
        dataset=dataset,
        request=_request(controller, slug, service_keys.authenticate(f"Bearer {key}")),
        hold=subjects.place_hold(subject, reason="legal_claim", until=None, principal=who),
        erasure=subjects.request_erasure(subject, principal=who),
        incident=_incident(controller, who),
        event=LedgerEntry.objects.filter(controller=controller.pk).order_by("recorded_at", "pk")[0],
        alert=_alert(controller, officer),
        elevation=_elevation(controller, subject),
    )


def _incident(controller: Controller, who: Principal) -> Incident:
    at = timezone.now() - timedelta(hours=1)
    opening = incidents.Opening(kinds=["integrity"], noticed_by="staff", noticed_at=at, aware_at=at, what="A canary")
    return incidents.open_incident(controller, opening, principal=who)


def _elevation(controller: Controller, subject: DataSubject) -> Elevation:
    """One that has ended and waits for its review."""
    agent = access.principal_of(staff(controller, Role.SUPPORT_AGENT, email=f"agent@{controller.slug}.example"))
    taken = elevation.break_glass(subject, reason="danger", principal=agent, is_factor_fresh=True)
    return elevation.end(taken.pk, principal=agent)


def _alert(controller: Controller, officer: StaffUser) -> Alert:
    return Alert.objects.create(
        controller=controller,
        rule="reveal_volume",
        actor_ref=f"staff:{officer.pk.hex}",
        bucket="2026-01-01",
        count=9,
        limit=3,
        basis="floor",
        events=[],
        raised_at=timezone.now(),
    )


def _passkey(controller: Controller, slug: str) -> Authenticator:
    colleague = staff(controller, Role.PRIVACY_OFFICER, email=f"colleague@{slug}.example")
    colleague.set_password("a password of some length")
    colleague.save()
    data = {"name": f"{slug} passkey", "credential": {}}
    return Authenticator.objects.create(user=colleague, type=Authenticator.Type.WEBAUTHN, data=data)


def _system(controller: Controller, slug: str, folder: Path) -> tuple[System, Dataset]:
    who, path = operator(controller.pk.hex), folder / f"{slug}.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(TABLES.format(email=address_of(slug)))
    system = registering.register(controller, f"{slug}-db", f"{slug} shop", f"sqlite:///{path}", principal=who)
    return system, datasets.import_text(controller, system, MAP.format(key=f"{slug}_shop"), principal=who)[0]


def _request(controller: Controller, slug: str, service: Principal) -> SubjectRequest:
    """A proven request that the service recorded; its plan waits for approval."""
    intake = requests.Intake(rights=("access",), email=address_of(slug), manner="api")
    made = requests.receive(controller, intake, principal=service)
    requests.verify(made, last_code(controller), principal=service)
    tasks.work()
    return SubjectRequest.objects.select_related("controller", "brand", "subject").get(pk=made.pk)
