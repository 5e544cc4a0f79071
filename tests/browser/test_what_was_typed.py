"""Stored and reflected attacks in every text that HTTP accepts, rendered in a real browser: all of it stays text."""

import io
import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import urllib3

from tests.browser import looking
from tests.browser.chromium import Chromium, Tab
from tests.browser.town import ANN, CLEO, DAN, NOTICE, Town, cookies_of, path_of
from tests.flows.service import email

ATTACKS = (
    "<script>alert(1)</script>",
    '"><script>alert(2)</script><b title="',
    "'><img src=x onerror=alert(3)>",
    "<svg/onload=alert(4)>",
    '" autofocus onfocus="alert(5)" onmouseover="alert(5)',
    "' autofocus onfocus='alert(6)' x='",
    "javascript:alert(7)",
    "{{7*7}}{% debug %}${7*7}#{7*7}<%= 7*7 %>",
    "</title></textarea></style></script><script>alert(9)</script>",
    '<iframe srcdoc="<script>alert(10)</script>"></iframe>',
    '<a href="javascript:alert(11)">press</a>',
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(12)&gt;">',
    '<meta http-equiv=refresh content="0;url=javascript:alert(13)">',
    '<base href="//evil.example/"><link rel=stylesheet href="//evil.example/x.css">',
    "<form action=//evil.example><button>go</button></form>",
    "\u202e<details open ontoggle=alert(16)>",
)
#: What is only ever sent back at once is sent together: a page that lets one through lets it through in company.
AT_ONCE = ("javascript:alert(7)", " ".join(ATTACKS[::2]), " ".join(ATTACKS[1::2]))
#: Texts that must be seen somewhere, attack and all: so the pages really do show what was stored.
SHOWN = {
    "purpose name", "purpose description", "notice title", "notice text", "system name", "dataset name",
    "dataset text", "retention reason", "retention citation", "identifier", "row value", "row column",
}  # fmt: skip


def typed(attack: str, field: str) -> str:
    """An attack that says where it was typed."""
    return f"{attack} {field}"


def dataset(number: int, attack: str) -> dict[str, Any]:
    """A description of the table with the hostile column."""
    text = {field: typed(attack, f"dataset {field}") for field in ("name", "text")}
    fields = [
        {"name": "id", "data_categories": ["user.unique_id"], "fides_meta": {"primary_key": True}},
        {"name": "email", "data_categories": ["user.contact.email"], "fides_meta": {"identity": "email"}},
        {"name": "said", "description": text["text"], "data_categories": ["user.content"]},
        {"name": f"column{number}", "data_categories": ["user.content"]},
    ]
    collections = [{"name": f"diary{number}", "description": text["text"], "fields": fields}]
    rule = {
        "key": f"kept{number}",
        "dataset": f"diary{number}",
        "reason": typed(attack, "retention reason"),
        "citation": typed(attack, "retention citation"),
        "period": "P10Y",
        "fields": [f"diary{number}.said"],
    }
    about = {"fides_key": f"diary{number}", "name": text["name"], "description": text["text"]}
    return {"dataset": [about | {"collections": collections}], "retention_rule": [rule]}


class Attacker:
    """Has a service key and the public pages, and types the worst wherever text is taken."""

    def __init__(self, town: Town) -> None:
        self.town = town
        #: Doors that took an attack, and doors that refused one with a clear answer.
        self.taken: set[str] = set()
        self.refused: set[str] = set()

    def post(self, path: str, body: dict[str, Any], name: str) -> None:
        """Send a body; anything but a plain yes or a plain no is a fault."""
        headers = self.town.service._headers  # noqa: SLF001  # its key, sent with what its own methods refuse to send
        answer = urllib3.request(
            "POST", self.town.address + path, body=json.dumps(body).encode(), headers=headers, retries=False, timeout=30
        )
        assert answer.status in {200, 201, 409, 413, 422}, (name, answer.status, answer.data[:500])
        (self.taken if answer.status < 300 else self.refused).add(name)

    def sow(self) -> None:
        """Type every attack into every field of every door."""
        with closing(sqlite3.connect(self.town.shop)) as shop, shop:
            for number, attack in enumerate(ATTACKS):
                shop.execute(
                    f"CREATE TABLE diary{number} (id INTEGER PRIMARY KEY, email TEXT, said TEXT, column{number} TEXT)"
                )
                values = (1, CLEO, typed(attack, "row value"), typed(attack, "row column"))
                shop.execute(f"INSERT INTO diary{number} VALUES (?, ?, ?, ?)", values)
        for number, attack in enumerate(ATTACKS):
            self._catalogue(number, attack)
            self._people(number, attack)

    def _catalogue(self, number: int, attack: str) -> None:
        purpose = {"key": f"p{number}", "name": typed(attack, "purpose name"), "lawful_basis": "consent"}
        self.post("/v1/purposes", purpose | {"description": typed(attack, "purpose description")}, "purpose")
        self.post("/v1/purposes", purpose | {"key": typed(attack, "key")}, "purpose key")
        self.post("/v1/purposes", purpose | {"channels": [attack]}, "purpose channel")
        self.post("/v1/purposes", purpose | {"data_categories": [attack]}, "purpose category")
        system = {"key": f"s{number}", "name": typed(attack, "system name"), "url": f"sqlite:///{self.town.shop}"}
        self.post("/v1/systems", system, "system")
        self.post("/v1/systems", system | {"key": attack}, "system key")
        self.post("/v1/systems", system | {"url": attack}, "system address")
        described = dataset(number, attack)
        self.post("/v1/datasets", {"system": f"s{number}", "yaml": json.dumps(described)}, "dataset")
        described["dataset"][0]["collections"][0]["name"] = attack
        self.post("/v1/datasets", {"system": f"s{number}", "yaml": json.dumps(described)}, "collection name")
        self.post("/v1/datasets", {"system": f"s{number}", "yaml": attack}, "dataset file")

    def _people(self, number: int, attack: str) -> None:
        identifier = {"type": "customer_id", "value": typed(attack, "identifier")}
        self.post("/v1/subjects", {"identifiers": [identifier]}, "identifier")
        self.post("/v1/subjects", {"identifiers": [email(f'"{attack}"@customer.example')]}, "address")
        self.post("/v1/subjects", {"identifiers": [{"type": attack, "value": "1"}]}, "identifier type")
        event = {"subject": email(DAN), "purpose": f"p{number}", "state": "given"}
        self.post("/v1/consent/events", event | {"evidence": {attack: attack}}, "evidence")
        for field in ("collection_point", "channel", "method", "state", "consent_type"):
            self.post("/v1/consent/events", event | {field: attack}, field)
        person = email(f"person{number}@customer.example")  # codes to one address are limited
        request = {"rights": ["access"], "identifiers": [person]}
        self.post("/v1/requests", request | {"identifiers": [person, identifier]}, "request identifier")
        self.post("/v1/requests", request | {"language": attack}, "language")

    def notices(self) -> None:
        """Publish notices; the last one is what the preference centre shows, so it holds every attack."""
        everything = "\n".join(typed(attack, "notice text") for attack in ATTACKS)
        for number, attack in enumerate(ATTACKS):
            title = typed(attack, "notice title")
            self.post("/v1/notices", {"key": f"n{number}", "title": title, "text": everything}, "notice")
            self.post("/v1/notices", {"key": attack, "title": title, "text": NOTICE}, "notice key")


class Eye:
    """Looks at pages and gathers what is on them."""

    def __init__(self) -> None:
        self.text = ""
        self.faults: list[str] = []
        self.looked = 0
        self._folded, self._folded_at = "", -1

    def look(self, tab: Tab, where: str) -> Tab:
        """Take in a page, with every disclosure open."""
        tab.run("document.querySelectorAll('details').forEach(each => { each.open = true })")
        self.text += tab.run(
            "document.body.innerText + ' ' + [...document.querySelectorAll('input, textarea')]"
            ".map(each => each.value).join(' ')"
        )
        self.faults += [f"{where}: {each}" for each in (*looking.foreign(tab), *tab.noises)]
        if tab.status >= 500:
            self.faults.append(f"{where}: answered {tab.status}")
        tab.noises.clear()
        self.looked += 1
        return tab

    def has_seen(self, text: str) -> bool:
        """Whether a text stood on a page, as it was typed or as it stands in a description's source."""
        if len(self.text) != self._folded_at:
            self._folded, self._folded_at = " ".join(self.text.split()), len(self.text)
        return any(" ".join(each.split()) in self._folded for each in (text, json.dumps(text)[1:-1]))


@pytest.fixture(scope="module")
def attacked(town: Town) -> Attacker:
    attacker = Attacker(town)
    attacker.sow()
    attacker.notices()
    return attacker


@pytest.fixture(scope="module")
def officer(attacked: Attacker, chromium: Chromium) -> Tab:
    tab = chromium.tab(width=1280)
    tab.cookies(cookies_of(attacked.town.officer), attacked.town.address)
    return tab


def test_stored_attacks_are_text_on_every_page(
    attacked: Attacker, officer: Tab, chromium: Chromium, tmp_path: Path
) -> None:
    town, eye = attacked.town, Eye()
    reference = town.ask("copy", CLEO, ATTACKS[2][:64])
    eye.look(officer.open(town.address + path_of(town.until(reference, "Approve"))), "request with a plan")
    town.officer.submit("Approve")
    page = town.until(reference, "Send the answer")
    eye.look(officer.open(town.address + path_of(page)), "request with a copy")
    page.submit("Send the answer")
    _console(eye, officer, town.address)
    _portal(eye, town, chromium)
    _copy(eye, town, chromium, tmp_path)
    assert eye.faults == []
    assert eye.looked > 50
    unseen = {field for field in SHOWN for attack in ATTACKS if not eye.has_seen(typed(attack, field))}
    assert unseen == set()
    assert {"purpose", "notice", "system", "dataset", "identifier", "evidence"} <= attacked.taken
    assert {"purpose key", "collection_point", "identifier type", "dataset file", "system address"} <= attacked.refused


def _console(eye: Eye, tab: Tab, address: str) -> None:
    for path in ("", "requests/", "mailbox/", "systems/", "ledger/", "settings/", "consent/", "people/"):
        eye.look(tab.open(f"{address}/console/{path}"), path)
    for path in _links(tab.open(f"{address}/console/systems/"), "/console/datasets/"):
        eye.look(tab.open(address + path), path)
    for path in _links(tab.open(f"{address}/console/settings/"), "/console/records/"):
        eye.look(tab.open(address + path), path)
        for row in _links(tab, path)[1:4]:
            eye.look(tab.open(address + row), row)
    for attack in ATTACKS:
        name = typed(attack, "identifier")
        tab.open(f"{address}/console/people/").fill(type="customer_id", value=name).press("Look up")
        eye.look(tab.fill(purpose="subject_request").press("Reveal"), "a revealed identifier")
    eye.look(tab.open(f"{address}/console/consent/").fill(type="email", value=DAN).press("Look up"), "consent")


def _portal(eye: Eye, town: Town, chromium: Chromium) -> None:
    visitor, person = chromium.tab(width=360), chromium.tab(width=360)
    visitor.cookies(cookies_of(town.enter_preferences(ANN)), town.address)
    eye.look(visitor.open(f"{town.address}/preferences/choices/"), "preferences")
    eye.look(visitor.press("No:"), "preferences changed")
    eye.look(visitor.press("Stop everything"), "preferences stopped")
    person.cookies(cookies_of(town.customer), town.address)
    for path in ("status", "download", "withdraw"):
        eye.look(person.open(f"{town.address}/privacy/{path}/"), path)


def _copy(eye: Eye, town: Town, chromium: Chromium, folder: Path) -> None:
    page = town.customer.get("/privacy/status/").follow("Get your copy").submit("Download")
    package = zipfile.ZipFile(io.BytesIO(page.body))
    (folder / "index.html").write_bytes(package.read("index.html"))
    tab = chromium.tab(width=360)
    text_before = eye.text
    tab.open((folder / "index.html").as_uri())
    eye.text = text_before + tab.run("document.body.innerText")
    foreign = [each for each in looking.foreign(tab) if not each.startswith("<style>")]  # its own, allowed by digest
    eye.faults += [f"copy: {each}" for each in (*foreign, *tab.noises)]


def _links(tab: Tab, prefix: str) -> list[str]:
    found: list[str] = tab.run(
        f"[...document.querySelectorAll('main a[href^=\"{prefix}\"]')].map(each => each.pathname)"
    )
    return list(dict.fromkeys(found))


def test_reflected_attacks_are_text_on_every_page(town: Town, officer: Tab, chromium: Chromium) -> None:
    eye, address, anyone = Eye(), town.address, chromium.tab(width=1280)
    for attack in AT_ONCE:
        escaped = quote(attack, safe="")
        for path in (
            f"{escaped}/",
            f"privacy/request/address/?ask={escaped}",
            f"accounts/login/?next={escaped}",
            f"accounts/link/{quote(attack.replace('/', ''), safe='')}/",
        ):
            eye.look(anyone.open(f"{address}/{path}"), path)
        for path in (
            f"requests/?tab={escaped}&page={escaped}",
            f"ledger/?after={escaped}&type={escaped}",
            f"{escaped}/",
            f"records/governance/purpose/{escaped}/",
            f"people/?q={escaped}",
        ):
            eye.look(officer.open(f"{address}/console/{path}"), path)
        anyone.open(f"{address}/privacy/return/").fill(reference=attack, email=attack)
        eye.look(anyone.press("Continue"), "return")
        eye.look(anyone.open(f"{address}/preferences/").fill(address=attack).press("Continue"), "preferences")
        eye.look(anyone.open(f"{address}/accounts/login/").fill(login=attack).press("Sign in"), "sign-in")
        for path, button, values in (
            ("people/", "Look up", {"type": "email", "value": attack}),
            ("consent/", "Look up", {"type": "customer_id", "value": attack}),
            ("ledger/", "Filter", {"object": attack}),
            ("systems/new/", "Connect", {"name": attack, "key": attack, "url": attack}),
            ("requests/new/", "Record it", {"email": attack}),
        ):
            eye.look(officer.open(f"{address}/console/{path}").fill(**values).press(button), path)
    assert eye.faults == []
    assert "There is a problem" in eye.text
    assert [attack for attack in AT_ONCE if not eye.has_seen(attack)] == []
