"""A house with two companies and one member of staff a role; pages are asked for through the test client."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from governance.catalogue import datasets
from governance.models import Purpose, StaffUser
from governance.policy.principal import operator
from governance.policy.vocabulary import Role
from governance.systems import registering
from tests.governance.conftest import service, signed_in, staff

if TYPE_CHECKING:
    from django.http import HttpResponse

    from governance.models import Controller, Dataset, DataSubject, System

DESCRIPTION = """
dataset:
  - fides_key: shop
    name: Shop
    collections:
      - name: customers
        fields:
          - name: id
            fides_meta: {primary_key: true}
          - name: email
            data_categories: [user.contact.email]
            fides_meta: {identity: email}
          - name: notes
"""

PEOPLE = ("anonymous", "no_role", "officer", "auditor", "administrator", "superuser")


@pytest.fixture
def system(controller: Controller) -> System:
    who = operator(controller.pk.hex)
    return registering.register(controller, "shop-db", "Shop database", "sqlite:////tmp/shop.sqlite3", principal=who)


@pytest.fixture
def dataset(controller: Controller, system: System) -> Dataset:
    return datasets.import_text(controller, system, DESCRIPTION, principal=operator(controller.pk.hex))[0]


@pytest.fixture
def house(controller: Controller, dataset: Dataset, person: DataSubject) -> Controller:
    """A controller with one of each thing the console shows."""
    Purpose.objects.create(controller=controller, key="newsletter", name="Newsletter", lawful_basis="consent")
    service(controller, Role.CHECKER)
    return controller


@pytest.fixture
def clients(controller: Controller) -> dict[str, Client]:
    """One client for each kind of visitor."""
    return {
        "anonymous": Client(),
        "no_role": signed_in(StaffUser.objects.create_user("new@staff.example")),
        "officer": signed_in(staff(controller, Role.PRIVACY_OFFICER, email="officer@staff.example")),
        "auditor": signed_in(staff(controller, Role.AUDITOR)),
        "administrator": signed_in(staff(controller, Role.ADMINISTRATOR)),
        "superuser": signed_in(StaffUser.objects.create_superuser("root@staff.example")),
    }


@pytest.fixture
def desk(clients: dict[str, Client]) -> Client:
    """The officer's client."""
    return clients["officer"]


def _is_refused(tag: str, found: dict[str, str | None]) -> bool:
    """Whether the policy lets no such element stand. It lets a file of our own, and data, which browsers do not run."""
    if tag == "script":
        is_file = (found.get("src") or "").startswith("/static/") and "type" not in found
        return not is_file and ("src" in found or found.get("type") != "application/json")
    return tag == "style"


class Page(HTMLParser):
    """Reads a page the way a strict browser judges it."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__()
        self.inline: list[str] = []
        self.scripts: list[dict[str, str | None]] = []
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.unlabelled: list[str] = []
        self.labels: set[str] = set()
        self.controls: dict[str, dict[str, str | None]] = {}
        self.lang = ""
        self.text = response.content.decode()
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.scripts += [found] if tag == "script" else []
        if _is_refused(tag, found) or any(name == "style" or name.startswith("on") for name in found):
            self.inline.append(f"<{tag} {found}>")
        if "javascript:" in (found.get("href") or ""):
            self.inline.append(f"<{tag} {found}>")
        if tag == "html":
            self.lang = found.get("lang") or ""
        if tag in {"h1", "h2", "h3", "h4"}:
            self.headings.append(int(tag[1]))
        if found.get("id"):
            self.ids.append(found["id"] or "")
        if tag == "label":
            self.labels.add(found.get("for") or "")
        if tag in {"input", "select", "textarea"} and found.get("type") not in {"hidden", "submit"}:
            self.controls[found.get("id") or found.get("name") or tag] = found

    def problems(self) -> list[str]:
        """Say what breaks the policy or the structure."""
        found = [f"inline: {each}" for each in self.inline]
        found += [f"no label: {each}" for each in self.controls if each not in self.labels]
        found += [f"id twice: {each}" for each in {each for each in self.ids if self.ids.count(each) > 1}]
        steps = zip(self.headings, self.headings[1:], strict=False)
        if self.headings.count(1) != 1 or any(after > before + 1 for before, after in steps):
            found.append(f"headings {self.headings}")
        if not self.lang:
            found.append("no lang")
        return found
