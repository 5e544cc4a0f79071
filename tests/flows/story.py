"""The main job on a public customer database nobody here wrote, through HTTP alone; told once, for every engine."""

import csv
import io
import json
import re
import time
import zipfile
from typing import Any

import redis
import sqlalchemy as sa

from tests.databases import dump
from tests.flows.browser import Browser
from tests.flows.installation import Installation
from tests.flows.service import Service, email
from tests.flows.shops import Shop

LUIS = "luisg@embraer.com.br"
LEONIE = "leonekohler@surfeu.de"
REPRESENTATIVE = "jane@chinookcorp.com"
PATIENCE = 60


class Story:
    """The journey: two server processes, a worker, an officer, a service, and the customer at a browser."""

    def __init__(self, installation: Installation, shop: Shop) -> None:
        self.installation, self.shop = installation, shop
        installation.manage("create_controller", "chinook", "--name", "Chinook Music", "--default", "--single-officer")
        link = installation.manage("create_officer", "officer@chinook.example").split()[-1]
        key = installation.manage("create_service", "shop", "--role", "integrator").split()[-1]
        self.first, self.second = installation.web(), installation.web()
        self.worker = installation.worker()
        installation.scheduler()
        self.service = Service(self.first, key)
        self.officer = Browser(self.first).get(re.sub(r"^https?://[^/]+", "", link)).submit("Sign in")
        self.customer = Browser(self.second)

    def set_up(self) -> None:
        """Describe purposes, system and people, and record what the people chose."""
        post = self.service.post
        purpose = {"key": "newsletter", "name": "Newsletter", "lawful_basis": "consent", "channels": ["email"]}
        post("/v1/purposes", purpose | {"direct_marketing": True, "data_categories": ["user.contact.email"]}, 201)
        post("/v1/notices", {"key": "welcome", "title": "Welcome", "text": "What we do with your data."}, 201)
        for part in self.shop.parts:
            post("/v1/systems", {"key": part.key, "name": part.key.title(), "url": part.url}, 201)
            post("/v1/datasets", {"system": part.key, "yaml": part.description}, 201)
        for number, address in self.people():
            identifiers = [email(address), {"type": "customer_id", "value": str(number)}]
            post("/v1/subjects", {"identifiers": identifiers, "verified": True}, 201)
            self.choose(address, "given")

    def people(self) -> list[tuple[int, str]]:
        """The 59 customers of the database."""
        rows = self.shop.rows()[self.shop.name("Customer")]
        people = [(int(str(row[0])), str(row[11])) for row in rows]
        assert len(people) == 59
        return people

    def choose(self, address: str, state: str, at: str = "") -> None:
        event = {"subject": email(address), "purpose": "newsletter", "state": state, "method": "api"}
        event["notice"] = {"key": "welcome", "version": 1}
        self.service.at(at or self.first).post("/v1/consent/events", event, 201)

    def check(self, address: str, at: str) -> dict[str, Any]:
        body = {"subject": email(address), "purpose": "newsletter", "channel": "email"}
        answer: dict[str, Any] = self.service.at(at).post("/v1/consent/check", body)
        return answer

    def ask(self, what: str, address: str) -> str:
        """Make a request in the portal, prove the address, and answer the reference."""
        self.customer = Browser(self.second).get("/privacy/").follow("Start").submit("Continue", ask=what)
        self.customer.submit("Continue", email=address).submit("Send my request")
        self.customer.submit("Continue", code=self.code(address))
        found = re.search(r"R-[0-9A-Z]{4}-[0-9A-Z]{4}", self.customer.text)
        assert found, self.customer.text
        return found[0]

    def code(self, address: str) -> str:
        """Read the newest code sent to an address in the demonstration's mailbox."""
        self.officer.get("/console/mailbox/")
        letters = self.officer.text.split(f"To {address}")[1:]
        found = [re.search(r"\b(\d{6})\b", letter) for letter in letters]
        codes = [match[1] for match in found if match]
        assert codes, self.officer.text
        return codes[0]

    def at_request(self, reference: str) -> Browser:
        """Open a request's page in the console."""
        for tab in ("open", "unverified", "answered", "ended"):
            self.officer.get(f"/console/requests/?tab={tab}")
            if any(reference in text for _href, text in self.officer.page.links):
                return self.officer.follow(reference)
        message = f"No request {reference} in any tab"
        raise AssertionError(message)

    def steps(self) -> list[tuple[str, str]]:
        """Kind and state of every step, read from the service's own table."""
        engine = sa.create_engine(self.installation.sqlalchemy_url, poolclass=sa.pool.NullPool)
        with engine.connect() as connection:
            return [
                (row[0], row[1]) for row in connection.execute(sa.text("SELECT kind, state FROM governance_systemstep"))
            ]

    def until_claimed(self, kind: str) -> None:
        """Wait until a worker is inside a step of this kind."""
        deadline = time.monotonic() + PATIENCE
        while (kind, "claimed") not in self.steps():
            assert time.monotonic() < deadline, self.steps()
            time.sleep(0.1)
        time.sleep(0.5)  # from the claim to the statement that has to wait

    def until(self, reference: str, button: str, patience: float = PATIENCE) -> Browser:
        """Wait until the request's page offers a button."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            page = self.at_request(reference)
            if any(button.lower() in each[2].lower() for form in page.page.forms for each in form.buttons):
                return page
            time.sleep(0.5)
        message = f"No {button!r} after {patience} s: {self.officer.text}\n{self.installation.logs()[-5000:]}"
        raise AssertionError(message)


def the_main_job(installation: Installation, shop: Shop) -> None:
    """Withdraw, ask for a copy, have oneself erased while a worker is killed, and look for what is left."""
    story = Story(installation, shop)
    story.set_up()
    before = shop.rows()
    a_withdrawal_counts_everywhere(story)
    an_access_request_gathers_one_person(story)
    assert shop.rows() == before
    assert "holds" in installation.manage("verify_audit")
    reference = an_erasure_survives_a_killed_worker(story, before)
    nothing_of_the_person_is_left(story, reference)


def a_withdrawal_counts_everywhere(story: Story) -> None:
    """Step 1: check, withdraw at one process, check at the other."""
    assert [story.check(LEONIE, at)["decision"] for at in (story.first, story.second)] == ["allow", "allow"]
    for at, other in ((story.first, story.second), (story.second, story.first)):
        story.choose(LEONIE, "withdrawn", at)
        denied = story.check(LEONIE, other)
        assert (denied["decision"], denied["reasons"]) == ("deny", ["CONSENT_WITHDRAWN"])
        story.choose(LEONIE, "given", at)
        assert story.check(LEONIE, other)["decision"] == "allow"
    story.choose(LEONIE, "withdrawn", story.first)


def an_access_request_gathers_one_person(story: Story) -> None:
    """Step 2: customer 1's row, invoices and lines, nothing of anyone else."""
    reference = story.ask("copy", LUIS)
    story.until(reference, "Approve").submit("Approve")
    story.until(reference, "Send the answer").submit("Send the answer")
    story.customer.get("/privacy/return/").submit("Continue", reference=reference, email=LUIS)
    story.customer.submit("Continue", code=story.code(LUIS))
    page = story.customer.follow("Get your copy").submit("Download")
    assert page.headers["Content-Type"] == "application/zip", page.text
    assert "attachment" in page.headers["Content-Disposition"]
    package = zipfile.ZipFile(io.BytesIO(page.body))
    assert package.testzip() is None
    only_one_person(story, package)


def only_one_person(story: Story, package: zipfile.ZipFile) -> None:
    names = package.namelist()
    text = "\n".join(package.read(name).decode() for name in names)
    sections = {section["collection"]: section for section in json.loads(package.read("data.json"))["sections"]}
    customer, invoice, line, employee = (
        story.shop.name(each) for each in ("Customer", "Invoice", "InvoiceLine", "Employee")
    )
    assert {"index.html", "data.json", "manifest.json"} <= set(names)
    assert len(sections[customer]["rows"]) == 1
    assert len(sections[invoice]["rows"]) == 7
    assert len(sections[line]["rows"]) == 38
    assert LUIS in text
    others = [address for _number, address in story.people() if address != LUIS]
    assert not [address for address in [*others, REPRESENTATIVE] if address in text]
    assert "another person" in package.read("index.html").decode()
    assert not sections.get(employee, {}).get("rows")
    tables = [name for name in names if name.endswith(".csv") and customer.lower() in name.lower()]
    assert any(LUIS in row for name in tables for row in csv.reader(io.StringIO(package.read(name).decode())))


def an_erasure_survives_a_killed_worker(story: Story, before: dict[str, list[tuple[object, ...]]]) -> str:
    """Steps 3 and 4: erase customer 1, with the worker killed while it waits inside a step."""
    reference = story.ask("delete", LUIS)
    page = story.until(reference, "Approve erasure")
    with story.shop.held():
        page.submit("Approve erasure")
        story.until_claimed("erase")
        story.installation.kill(story.worker)
    assert [kind for kind, state in story.steps() if state == "claimed"] == ["erase"]
    story.worker = story.installation.worker()
    page = story.until(reference, "Send the answer")
    assert "Tax law requires the sales record" in page.text
    only_their_fields_changed(story.shop, before, story.shop.rows())
    page.submit("Send the answer")
    return reference


def only_their_fields_changed(
    shop: Shop, before: dict[str, list[tuple[object, ...]]], after: dict[str, list[tuple[object, ...]]]
) -> None:
    customer, invoice = shop.name("Customer"), shop.name("Invoice")
    untouched = before.keys() - {customer, invoice}
    assert {table: after[table] for table in untouched} == {table: before[table] for table in untouched}
    for table, person in ((customer, 0), (invoice, 1)):
        changed = [(old, new) for old, new in zip(before[table], after[table], strict=True) if old != new]
        assert changed
        assert all(str(old[person]) == "1" for old, _new in changed)
    old, new = before[customer][0], after[customer][0]
    erased = range(1, 12)  # first name to e-mail address
    assert new[0] == old[0]
    assert not [position for position in erased if old[position] is not None and new[position] == old[position]]
    for old, new in zip(before[invoice], after[invoice], strict=True):
        if str(old[1]) == "1":
            kept = (0, 1, 2, 6, 8)  # number, customer, date, country and total: a tax rule asks for them
            assert [new[position] for position in kept] == [old[position] for position in kept]
            assert new[3] != old[3]  # street


def nothing_of_the_person_is_left(story: Story, reference: str) -> None:
    """The person does not open any more, and after the purge the address is nowhere in what the service keeps."""
    assert story.check(LUIS, story.second)["decision"] == "deny"
    looked_up = story.service.post("/v1/subjects/lookup", {"identifiers": [email(LUIS)]})
    assert looked_up == {"subject": None}
    story.until(reference, "Close the request").submit("Close the request")
    story.until(reference, "Destroy the request's key").submit("Destroy the request's key")
    earlier = [href for href, text in story.officer.get("/console/requests/?tab=answered").page.links if "R-" in text]
    for href in earlier:
        story.officer.get(href).submit("Close the request")
        story.officer.get(href).submit("Destroy the request's key")
    assert "holds" in story.installation.manage("verify_audit")
    story.installation.stop()
    for canary in (LUIS, "Gonçalves", "Av. Brigadeiro Faria Lima"):
        assert canary not in kept_by(story.installation)
    assert "chinook" in kept_by(story.installation)  # the search does find what is there


def kept_by(installation: Installation) -> str:
    """Everything the service keeps: its database, logs, broker folder and files, as text."""
    parts = []
    url = installation.environment["DATABASE_URL"]
    if url.startswith("postgresql"):
        parts.append(repr(dump(url)))
    if installation.redis_url:
        parts.append(repr(redis_contents(installation.redis_url)))
    files = [path for path in sorted(installation.folder.rglob("*")) if path.is_file()]
    ours = [path for path in files if "shop" not in path.relative_to(installation.folder).parts]
    parts += [path.read_bytes().decode(errors="replace") for path in ours]
    return "\n".join(parts)


def redis_contents(url: str) -> list[tuple[bytes, object]]:
    """Every key and value of the broker and the cache."""
    with redis.Redis.from_url(url) as client:
        return [(key, client.dump(key)) for key in client.scan_iter()]
