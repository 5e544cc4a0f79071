"""A controller with two connected SQLite systems that hold two customers; what the tests of requests share."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from dsar import services, tasks
from dsar.models import SubjectRequest
from governance import subjects, vault
from governance.access import principal_of
from governance.catalogue import datasets
from governance.models import Controller, DataSubject, OutgoingMessage, StaffUser
from governance.policy.principal import Principal, data_subject, operator, worker
from governance.policy.vocabulary import RevealPurpose, Role
from governance.systems import registering
from tests.governance.conftest import staff

if TYPE_CHECKING:
    from pathlib import Path

ANN = "ann.canary@example.org"
BOB = "bob.canary@example.org"

STORE = f"""
CREATE TABLE clerk (id INTEGER PRIMARY KEY, name TEXT, email TEXT);
CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT, name TEXT, password TEXT,
    clerk_id INTEGER REFERENCES clerk (id));
CREATE TABLE invoice (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customer (id), bill_to TEXT,
    billed_on TEXT, note TEXT);
INSERT INTO clerk VALUES (1, 'Clerk Canary', 'clerk@store.example');
INSERT INTO customer VALUES (1, '{ANN}', 'Ann Canary', 'hash', 1), (2, '{BOB}', 'Bob', 'hash', 1);
INSERT INTO invoice VALUES (1, 1, 'Ann Canary', '2026-01-05', 'gift'), (2, 1, 'Ann Canary', '2001-01-05', NULL),
    (3, 2, 'Bob', '2026-02-05', 'plain');
"""
STORE_MAP = """
dataset:
  - fides_key: store
    name: Store
    collections:
      - name: clerk
        fides_meta: {data_subject: employee}
        fields:
          - {name: id, data_categories: [system.operations], fides_meta: {primary_key: true}}
          - {name: name, data_categories: [user.name]}
          - {name: email, data_categories: [user.contact.email], fides_meta: {identity: email}}
      - name: customer
        fides_meta: {data_subject: customer}
        fields:
          - {name: id, data_categories: [user.unique_id], fides_meta: {primary_key: true, identity: customer_id}}
          - {name: email, data_categories: [user.contact.email], fides_meta: {identity: email}}
          - {name: name, data_categories: [user.name]}
          - {name: password, data_categories: [user.authorization.password]}
          - name: clerk_id
            data_categories: [system.operations]
            fides_meta: {references: [{dataset: store, field: clerk.id, direction: to}]}
      - name: invoice
        fields:
          - {name: id, data_categories: [system.operations], fides_meta: {primary_key: true}}
          - name: customer_id
            data_categories: [user.unique_id]
            fides_meta: {references: [{dataset: store, field: customer.id, direction: from}]}
          - {name: bill_to, data_categories: [user.name]}
          - {name: billed_on, data_categories: [system.operations]}
          - {name: note, data_categories: [user.content]}
retention_rule:
  - key: bookkeeping
    dataset: store
    reason: Invoices are kept for bookkeeping
    citation: AO § 147
    period: P10Y
    from: invoice.billed_on
    fields: [invoice.bill_to]
"""
NEWS = f"""
CREATE TABLE subscriber (email TEXT PRIMARY KEY, topics TEXT);
INSERT INTO subscriber VALUES ('{ANN}', 'cats'), ('{BOB}', 'dogs');
"""
NEWS_MAP = """
dataset:
  - fides_key: news
    name: Newsletter
    collections:
      - name: subscriber
        fides_meta: {masking_strategy_override: {strategy: delete}}
        fields:
          - {name: email, data_categories: [user.contact.email], fides_meta: {primary_key: true, identity: email}}
          - {name: topics, data_categories: [user.content]}
"""


@dataclass
class House:
    """A controller, its two systems as files, and its officer."""

    controller: Controller
    store: Path
    news: Path
    officer: StaffUser

    @property
    def principal(self) -> Principal:
        return principal_of(self.officer)

    def rows(self, path: Path, table: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(path)) as connection:
            return connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()  # our own tables


@pytest.fixture
def house(db: None, tmp_path: Path) -> House:
    return build_house(tmp_path)


def build_house(tmp_path: Path) -> House:
    controller = Controller.objects.create(slug="acme", name="Acme", is_default=True, authority="The Authority")
    who = operator(controller.pk.hex)
    paths = []
    for key, script, text in (("store", STORE, STORE_MAP), ("news", NEWS, NEWS_MAP)):
        path = tmp_path / f"{key}.sqlite3"
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(script)
        system = registering.register(controller, key, key.capitalize(), f"sqlite:///{path}", principal=who)
        datasets.import_text(controller, system, text, principal=who)
        paths.append(path)
    return House(controller, *paths, staff(controller, Role.PRIVACY_OFFICER, email="officer@staff.example"))


@pytest.fixture
def ann(house: House) -> DataSubject:
    return subjects.register(
        house.controller,
        [("email", ANN), ("customer_id", "1")],
        principal=operator(house.controller.pk.hex),
        verified=True,
    )


def ask(house: House, *rights: str, email: str = ANN) -> SubjectRequest:
    intake = services.Intake(rights=rights, email=email, manner="portal")
    return services.receive(house.controller, intake, principal=data_subject(intake.id.hex, house.controller.pk.hex))


def letters(controller: Controller) -> list[str]:
    """Every letter so far, oldest first, as text."""
    rows = OutgoingMessage.objects.filter(controller=controller).order_by("created_at", "pk")
    found = []
    for row in rows:
        opened = vault.reveal_many(
            [row.subject, row.text], principal=worker(controller.pk.hex), purpose=RevealPurpose.LETTER_DELIVERY
        )
        found.append("\n".join(map(str, opened)))
    return found


def last_code(controller: Controller) -> str:
    for text in reversed(letters(controller)):
        if found := re.search(r"\b\d{3}[ ]?\d{3}\b", text):
            return found.group().replace(" ", "")
    raise AssertionError("no letter holds a code")


def prove(request: SubjectRequest) -> SubjectRequest:
    return services.verify(
        request, last_code(request.controller), principal=data_subject(request.pk.hex, request.controller_id.hex)
    )


def work() -> int:
    return tasks.work()


def fresh(request: SubjectRequest) -> SubjectRequest:
    return SubjectRequest.objects.select_related("controller", "brand", "subject").get(pk=request.pk)


def planned(house: House, *rights: str, email: str = ANN) -> SubjectRequest:
    """A request whose plan waits for approval."""
    request = prove(ask(house, *rights, email=email))
    work()
    return fresh(request)


def approve(house: House, request: SubjectRequest) -> SubjectRequest:
    digest = request.plans.order_by("-pk")[0].digest
    return services.approve(request, digest, principal=house.principal)
