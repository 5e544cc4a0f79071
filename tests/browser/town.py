"""A small company that has been at work for a while: every page of the service has something to show; HTTP only."""

import re
import sqlite3
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from tests.flows.browser import Browser
from tests.flows.installation import Installation
from tests.flows.service import Service, email

ANN, BOB, CLEO, DAN = (f"{name}@customer.example" for name in ("ann", "bob", "cleo", "dan"))
PATIENCE = 30

SHOP = """
CREATE TABLE clerk (id INTEGER PRIMARY KEY, name TEXT, email TEXT);
CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT, name TEXT, street TEXT, city TEXT,
    clerk_id INTEGER REFERENCES clerk (id));
CREATE TABLE invoice (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customer (id), bill_to TEXT,
    billed_on TEXT, note TEXT);
CREATE TABLE visit (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customer (id), page TEXT);
INSERT INTO clerk VALUES (1, 'Kim Clerk', 'kim@shop.example');
"""
SHOP_MAP = """
dataset:
  - fides_key: shop
    name: Shop database
    description: Customers, what they bought and what they looked at.
    collections:
      - name: clerk
        fides_meta: {data_subject: employee}
        fields:
          - {name: id, data_categories: [system.operations], fides_meta: {primary_key: true}}
          - {name: name, data_categories: [user.name]}
          - {name: email, data_categories: [user.contact.email], fides_meta: {identity: email}}
      - name: customer
        description: People who have an account.
        fides_meta: {data_subject: customer}
        fields:
          - {name: id, data_categories: [user.unique_id], fides_meta: {primary_key: true, identity: customer_id}}
          - {name: email, data_categories: [user.contact.email], fides_meta: {identity: email}}
          - {name: name, data_categories: [user.name]}
          - {name: street, data_categories: [user.contact.address.street]}
          - {name: city, data_categories: [user.contact.address.city]}
          - name: clerk_id
            data_categories: [system.operations]
            fides_meta: {references: [{dataset: shop, field: clerk.id, direction: to}]}
      - name: invoice
        fields:
          - {name: id, data_categories: [system.operations], fides_meta: {primary_key: true}}
          - name: customer_id
            data_categories: [user.unique_id]
            fides_meta: {references: [{dataset: shop, field: customer.id, direction: from}]}
          - {name: bill_to, data_categories: [user.name]}
          - {name: billed_on, data_categories: [system.operations]}
          - {name: note, data_categories: [user.content]}
      - name: visit
        fides_meta: {masking_strategy_override: {strategy: delete}}
        fields:
          - {name: id, data_categories: [system.operations], fides_meta: {primary_key: true}}
          - name: customer_id
            data_categories: [user.unique_id]
            fides_meta: {references: [{dataset: shop, field: customer.id, direction: from}]}
          - {name: page, data_categories: [user.behavior]}
retention_rule:
  - key: bookkeeping
    dataset: shop
    reason: Tax law requires the sales record
    citation: AO § 147
    period: P10Y
    from: invoice.billed_on
    fields: [invoice.bill_to, invoice.billed_on]
"""
ARCHIVE_MAP = """
dataset:
  - fides_key: archive
    name: Archive
    collections:
      - name: reader
        fields:
          - {name: email, data_categories: [user.contact.email], fides_meta: {primary_key: true, identity: email}}
          - {name: since, data_categories: [user.content]}
"""
PURPOSES = (
    {"key": "newsletter", "name": "Newsletter", "description": "News and offers about once a month.",
     "lawful_basis": "consent", "channels": ["email", "sms"], "direct_marketing": True,
     "data_categories": ["user.contact.email"]},
    {"key": "suggestions", "name": "Suggestions for you", "lawful_basis": "consent", "validity_days": 365,
     "description": "We look at what you bought to suggest what may suit you."},
    {"key": "delivery", "name": "Bringing you what you ordered", "lawful_basis": "contract",
     "description": "We need your name and address to deliver."},
)  # fmt: skip
NOTICE = "We would like to use your data for the purposes you choose. You can change your mind at any time."


class Town:
    """One server process, a worker, an officer, a service, and what they have done so far."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        words = ["--name", "Acme Outdoor", "--contact", "privacy@acme.example, +49 30 901820"]
        words += ["--authority", "the Berlin data protection authority"]
        installation.manage("create_controller", "acme", *words, "--default", "--single-officer")
        installation.manage("name_brand", "fern", "--name", "Fern", "--accent", "#3b5b20")
        link = installation.manage("create_officer", "officer@acme.example", "--name", "Robin Hale").split()[-1]
        key = installation.manage("create_service", "web-shop", "--role", "integrator").split()[-1]
        self.address = installation.web()
        installation.worker()
        installation.scheduler()
        self.service = Service(self.address, key)
        self.officer = Browser(self.address).get(re.sub(r"^https?://[^/]+", "", link)).submit("Sign in")
        self.customer = Browser(self.address)

    def invite(self, address: str, *more: str) -> str:
        """Make a colleague and answer the path of their one-time link."""
        link = self.installation.manage("create_officer", address, *more).split()[-1]
        return re.sub(r"^https?://[^/]+", "", link)

    def settle(self, folder: Path) -> None:
        """Connect the shop, publish purposes and a notice, register people with their choices."""
        path = self.shop = folder / "shop.sqlite3"
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(SHOP + _customers())
        post = self.service.post
        for purpose in PURPOSES:
            post("/v1/purposes", purpose, 201)
        post("/v1/notices", {"key": "welcome", "title": "Your data", "text": NOTICE}, 201)
        post("/v1/systems", {"key": "shop", "name": "Shop database", "url": f"sqlite:///{path}"}, 201)
        post("/v1/datasets", {"system": "shop", "yaml": SHOP_MAP}, 201)
        for number, address in enumerate((ANN, BOB, CLEO, DAN), start=1):
            identifiers = [email(address), {"type": "customer_id", "value": str(number)}]
            post("/v1/subjects", {"identifiers": identifiers, "verified": True}, 201)
            for purpose in ("newsletter", "suggestions")[: 1 + number % 2]:
                self.choose(address, purpose, "given")
        told = [email(ANN), {"type": "phone", "value": "+49 30 123456"}]
        post("/v1/subjects", {"identifiers": told, "verified": False}, 201)  # nobody has verified it yet
        self.choose(DAN, "newsletter", "withdrawn")

    def choose(self, address: str, purpose: str, state: str) -> None:
        """Record a choice as the shop does."""
        event = {"subject": email(address), "purpose": purpose, "state": state, "method": "web_form"}
        self.service.post("/v1/consent/events", event | {"notice": {"key": "welcome", "version": 1}}, 201)

    def be_late(self) -> None:
        """Record a request that should have been answered, and one that nobody proved."""
        long_ago = (timezone.now() - timedelta(days=45)).isoformat()
        for rights, address, more in ((["access", "erasure"], DAN, {"received_at": long_ago}), (["access"], ANN, {})):
            body = {"rights": rights, "identifiers": [email(address)]} | more
            made = self.service.post("/v1/requests", body, 201)
            if more:
                self.service.post(f"/v1/requests/{made['id']}/verify", {"code": self.code(address)}, 200)

    def lose(self, folder: Path) -> Path:
        """Connect an archive and lose it; answers its file, to be put back before anything else is asked."""
        path = folder / "archive.sqlite3"
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript("CREATE TABLE reader (email TEXT PRIMARY KEY, since TEXT);")
        self.service.post("/v1/systems", {"key": "archive", "name": "Archive", "url": f"sqlite:///{path}"}, 201)
        self.service.post("/v1/datasets", {"system": "archive", "yaml": ARCHIVE_MAP}, 201)
        return path.rename(path.with_suffix(".lost"))

    def ask(self, what: str, address: str, number: str = "") -> str:
        """Make a request in the portal, prove the address, and answer the reference."""
        self.customer = Browser(self.address).get("/privacy/").follow("Start").submit("Continue", ask=what)
        self.customer.submit("Continue", email=address, customer_number=number).submit("Send my request")
        self.customer.submit("Continue", code=self.code(address))
        found = re.search(r"R-[0-9A-Z]{4}-[0-9A-Z]{4}", self.customer.text)
        assert found, self.customer.text
        return found[0]

    def enter_preferences(self, address: str) -> Browser:
        """Prove an address in the preference centre."""
        visitor = Browser(self.address).get("/preferences/").submit("Continue", address=address)
        return visitor.submit("Continue", code=self.code(address))

    def code(self, address: str) -> str:
        """Read the newest code sent to an address in the demonstration's mailbox."""
        self.officer.get("/console/mailbox/")
        letters = self.officer.text.split(f"To {address}")[1:]
        codes = [match[1] for letter in letters if (match := re.search(r"\b(\d{6})\b", letter))]
        assert codes, self.officer.text
        return codes[0]

    def be_noticed(self) -> str:
        """Let the officer look up their own record, wait for the alarm, and answer where it is shown."""
        own = email("officer@acme.example")
        self.service.post("/v1/subjects", {"identifiers": [own], "verified": True}, 201)
        self.officer.get("/console/people/").submit("Look up", **own)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            page = self.officer.get("/console/alarms/")
            if any("Own record" in text for _href, text in page.page.links):
                return path_of(page.follow("Own record"))
            time.sleep(0.3)
        message = f"No alarm: {self.installation.logs()[-3000:]}"
        raise AssertionError(message)

    def employ(self, name: str) -> Browser:
        """Sit a support agent down."""
        return (
            Browser(self.address).get(self.invite(f"{name}@acme.example", "--role", "support_agent")).submit("Sign in")
        )

    def break_glass(self, agent: Browser, address: str) -> str:
        """Let an agent break the glass on a person, and answer where that is."""
        agent.get("/console/people/").submit("Look up", type="email", value=address)
        return path_of(agent.submit("Break the glass", reason="danger"))

    def until(self, reference: str, button: str) -> Browser:
        """Wait until a request's page offers a button, and remember where it is."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            page = self._at(reference)
            if any(button.lower() in each[2].lower() for form in page.page.forms for each in form.buttons):
                return page
            time.sleep(0.3)
        message = f"No {button!r} on {reference}: {self.officer.text}\n{self.installation.logs()[-3000:]}"
        raise AssertionError(message)

    def until_said(self, reference: str, words: str) -> Browser:
        """Wait until a request's page says something, and remember where it is."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if words in (page := self._at(reference)).text:
                return page
            time.sleep(0.3)
        message = f"{words!r} is not said of {reference}: {self.officer.text}"
        raise AssertionError(message)

    def _at(self, reference: str) -> Browser:
        for tab in ("open", "answered"):
            self.officer.get(f"/console/requests/?tab={tab}")
            if any(reference in text for _href, text in self.officer.page.links):
                return self.officer.follow(reference)
        message = f"No request {reference} in any tab"
        raise AssertionError(message)


def path_of(browser: Browser) -> str:
    """Answer where a browser is, without the server."""
    return re.sub(r"^https?://[^/]+", "", browser.url)


def cookies_of(browser: Browser) -> list[tuple[str, str]]:
    """Answer the cookies of a session, for another browser to go on with it."""
    handlers: list[Any] = browser._opener.handlers  # noqa: SLF001  # our own class; the jar is nowhere else
    jars = [handler.cookiejar for handler in handlers if hasattr(handler, "cookiejar")]
    return [(cookie.name, cookie.value) for jar in jars for cookie in jar]


def _customers() -> str:
    lines = []
    for number, address in enumerate((ANN, BOB, CLEO, DAN), start=1):
        name = address.partition("@")[0].capitalize()
        lines.append(
            f"INSERT INTO customer VALUES ({number}, '{address}', '{name} Miller', '{number} Mill Lane', 'Berlin', 1);"
        )
        for turn in range(3):
            key = number * 10 + turn
            lines.append(f"INSERT INTO invoice VALUES ({key}, {number}, '{name} Miller', '2025-0{turn + 1}-05', '');")
            lines.append(f"INSERT INTO visit VALUES ({key}, {number}, '/tents/');")
    return "\n".join(lines)
