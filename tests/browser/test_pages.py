"""Every kind of page in a real browser, on a desk and on a phone: WCAG 2.2 AA, nothing cut off, no complaint."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from allauth.mfa.totp.internal import auth as totp

from tests.browser import looking
from tests.browser.chromium import Chromium, Tab
from tests.browser.town import ANN, BOB, CLEO, DAN, Town, cookies_of, path_of

WIDTHS = {"desk": 1280, "phone": 360}


class Stage(NamedTuple):
    """A town with requests in several states, and a tab for each kind of visitor."""

    address: str
    tabs: dict[str, Tab]
    paths: dict[str, str]

    def open(self, visitor: str, path: str) -> Tab:
        """Open a page as somebody."""
        return self.tabs[visitor].open(self.address + self.paths.get(path, path))


@pytest.fixture(scope="module")
def stage(town: Town, chromium: Chromium, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    town.be_late()
    waiting = town.ask("both", ANN, "1")
    erased = town.ask("delete", BOB)
    gone = town.customer
    town.until(erased, "Approve").submit("Approve")
    copied = town.ask("copy", CLEO)
    customer = town.customer
    town.until(copied, "Approve").submit("Approve")
    paths = {}
    for name, reference in (("erased", erased), ("copied", copied)):
        town.until(reference, "Send the answer").submit("Send the answer")
        paths[name] = path_of(town.officer)
    town.until(waiting, "Approve")
    paths["waiting"] = path_of(town.officer)
    paths["alarm"] = town.be_noticed()
    agent, helper = town.employ("agent"), town.employ("helper")
    paths["glass"] = town.break_glass(agent, DAN)
    ended = town.employ("ended")
    town.break_glass(ended, CLEO)
    ended.submit("End it now")
    visitor = town.enter_preferences(CLEO)
    before, lost = town.customer, town.lose(tmp_path_factory.mktemp("archive"))
    town.until_said(town.ask("copy", CLEO), "Not answering at present: Archive")
    paths["silent"], town.customer = path_of(town.officer), before
    sitting = {
        "agent": agent, "customer": customer, "gone": gone, "helper": helper,
        "officer": town.officer, "visitor": visitor,
    }  # fmt: skip
    tabs = {
        name: chromium.tab(width=WIDTHS["desk"]) for name in ("anyone", "branded", "enrolled", "newcomer", *sitting)
    }
    for name in ("newcomer", "enrolled"):
        tabs[name].open(town.address + town.invite(f"{name}@acme.example")).press("Sign in")
    enrol(tabs["enrolled"], town.address)
    for name, browser in sitting.items():
        tabs[name].cookies(cookies_of(browser), town.address)
    yield Stage(town.address, tabs, paths)
    lost.rename(lost.with_suffix(".sqlite3"))


def enrol(tab: Tab, address: str) -> None:
    """Give somebody a password and an authenticator app, as a person does."""
    password = "a password of some length"
    tab.open(f"{address}/accounts/password/set/").fill(password1=password, password2=password).press("Set a password")
    tab.open(f"{address}/accounts/2fa/app/add/")
    if tab.run("Boolean(document.querySelector('[name=password]'))"):
        tab.fill(password=password).press("Confirm")
    secret = tab.run("document.querySelector('details code').textContent")
    code = totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30))
    tab.fill(code=code).press("Add the authenticator app")


def by_path(visitor: str, path: str) -> Callable[[Stage], Tab]:
    return lambda stage: stage.open(visitor, path)


def through(visitor: str, path: str, *presses: str, **typed: str) -> Callable[[Stage], Tab]:
    """Open a page, type, and press buttons one after the other."""

    def walk(stage: Stage) -> Tab:
        tab = stage.open(visitor, path).fill(**typed)
        for words in presses:
            tab.press(words)
        return tab

    return walk


def checked(stage: Stage) -> Tab:
    return through("anyone", "/privacy/request/", "Continue", ask="both")(stage).fill(email="zoe@x.example")


BREACH = {
    "kinds": "confidentiality",
    "noticed_at": "2026-01-05T10:00",
    "aware_at": "2026-01-05T11:00",
    "what": "A list went to a stranger",
}
PAGES: dict[str, Callable[[Stage], Tab]] = {
    "front": by_path("anyone", "/"),
    "missing": by_path("anyone", "/nowhere/"),
    "sign-in": by_path("anyone", "/accounts/login/"),
    "sign-in refused": through("anyone", "/accounts/login/", "Sign in"),
    "sign-in link used": by_path("anyone", "/accounts/link/used/"),
    "privacy": by_path("anyone", "/privacy/"),
    "privacy of a brand": by_path("branded", "/privacy/b/fern/"),
    "privacy what": by_path("anyone", "/privacy/request/"),
    "privacy nothing chosen": through("anyone", "/privacy/request/", "Continue"),
    "privacy address": through("anyone", "/privacy/request/", "Continue", ask="copy"),
    "privacy address wrong": lambda stage: checked(stage).fill(email="zoe").press("Continue"),
    "privacy check": lambda stage: checked(stage).press("Continue"),
    "privacy code": lambda stage: checked(stage).press("Continue").press("Send my request"),
    "privacy code wrong": through("anyone", "/privacy/code/", "Continue", code="1"),
    "privacy return": by_path("anyone", "/privacy/return/"),
    "privacy return wrong": through("anyone", "/privacy/return/", "Continue"),
    "privacy status": by_path("customer", "/privacy/status/"),
    "privacy status erased": by_path("gone", "/privacy/status/"),
    "privacy looked": by_path("customer", "/privacy/looked/"),
    "privacy download": by_path("customer", "/privacy/download/"),
    "privacy withdraw": by_path("customer", "/privacy/withdraw/"),
    "preferences": by_path("anyone", "/preferences/"),
    "preferences address wrong": through("anyone", "/preferences/", "Continue"),
    "preferences code": through("anyone", "/preferences/", "Continue", address="zoe@y.example"),
    "preferences choices": by_path("visitor", "/preferences/choices/"),
    "preferences looked": by_path("visitor", "/preferences/looked/"),
    "preferences changed": through("visitor", "/preferences/choices/", "No: Newsletter"),
    "preferences stopped": through("visitor", "/preferences/choices/", "Stop everything"),
    "today": by_path("officer", "/console/"),
    "queue": by_path("officer", "/console/requests/"),
    "queue overdue": by_path("officer", "/console/requests/?tab=overdue"),
    "queue empty": by_path("officer", "/console/requests/?tab=ended"),
    "new request": by_path("officer", "/console/requests/new/"),
    "new request wrong": through("officer", "/console/requests/new/", "Record it"),
    "request waiting": by_path("officer", "waiting"),
    "request erased": by_path("officer", "erased"),
    "request copied": by_path("officer", "copied"),
    "request unreachable": by_path("officer", "silent"),
    "systems unreachable": by_path("officer", "/console/systems/"),
    "request absent": by_path("officer", "/console/requests/00000000-0000-0000-0000-000000000000/"),
    "mailbox": by_path("officer", "/console/mailbox/"),
    "people": by_path("officer", "/console/people/"),
    "people absent": through("officer", "/console/people/", "Look up", type="email", value="zoe@z.example"),
    "person": through("officer", "/console/people/", "Look up", type="email", value=ANN),
    "person no reason": through("officer", "/console/people/", "Look up", "Reveal", type="email", value=ANN),
    "verify": through("officer", "/console/people/", "Look up", "Verify", type="email", value=ANN),
    "verify unsaid": through(
        "officer", "/console/people/", "Look up", "Verify", "It is theirs", type="email", value=ANN
    ),
    "requests of a person": through(
        "officer", "/console/people/", "Look up", "Requests of this person", type="email", value=ANN
    ),
    "broken glass": by_path("officer", "/console/glass/"),
    "broken glass unsaid": through("officer", "/console/glass/", "Note the review"),
    "glass broken": by_path("agent", "glass"),
    "glass to break": through("helper", "/console/people/", "Look up", type="email", value=ANN),
    "glass no reason": through("helper", "/console/people/", "Look up", "Break the glass", type="email", value=ANN),
    "systems": by_path("officer", "/console/systems/"),
    "new system wrong": through("officer", "/console/systems/new/", "Connect the system"),
    "dataset": through("officer", "/console/systems/", "shop"),
    "import wrong": lambda stage: (
        through("officer", "/console/systems/", "Import")(stage).fill(text="dataset: [{}]").press("Import")
    ),
    "consent": by_path("officer", "/console/consent/"),
    "consent of a person": through("officer", "/console/consent/", "Look up", type="email", value=CLEO),
    "alarms": by_path("officer", "/console/alarms/"),
    "alarm": by_path("officer", "alarm"),
    "alarm unsaid": lambda stage: stage.open("officer", "alarm").press("Acknowledge"),
    "alarm rules": by_path("officer", "/console/alarms/rules/"),
    "alarm rules wrong": lambda stage: (
        by_path("officer", "/console/alarms/rules/")(stage).fill(url="https://10.0.0.1/hook").press("Set the address")
    ),
    "ledger": by_path("officer", "/console/ledger/"),
    "event": through("officer", "/console/ledger/", "A sealed value was opened"),
    "system": through("officer", "/console/systems/", "Shop database"),
    "ledger of a person": lambda stage: through("officer", "/console/people/", "Look up", type="email", value=ANN)(
        stage
    ).press("All events about"),
    "ledger filtered": by_path("officer", "/console/ledger/?type=subject.registered&kind=3004"),
    "another way": by_path("officer", "/console/controller/"),
    "factors": by_path("newcomer", "/accounts/2fa/"),
    "factors password": by_path("newcomer", "/accounts/password/set/"),
    "factors password wrong": through("newcomer", "/accounts/password/set/", "Set a password", password1="x"),
    "factors app": by_path("newcomer", "/accounts/2fa/app/add/"),
    "factors app wrong": through("newcomer", "/accounts/2fa/app/add/", "Add the authenticator app", code="1"),
    "factors passkeys": by_path("newcomer", "/accounts/2fa/passkeys/"),
    "factors passkey": by_path("newcomer", "/accounts/2fa/passkeys/add/"),
    "factors codes": by_path("enrolled", "/accounts/2fa/codes/"),
    "factors enrolled": by_path("enrolled", "/accounts/2fa/"),
    "factors confirm": by_path("enrolled", "/accounts/2fa/reauthenticate/"),
    "factors app off": by_path("enrolled", "/accounts/2fa/app/remove/"),
    "breaches": by_path("officer", "/console/incidents/"),
    "new breach wrong": through("officer", "/console/incidents/new/", "Put it on record"),
    "breach": through("officer", "/console/incidents/new/", "Put it on record", **BREACH),
    "settings": by_path("officer", "/console/settings/"),
    "staff": by_path("officer", "/console/settings/staff/"),
    "records": through("officer", "/console/settings/", "Purposes"),
    "record": lambda stage: through("officer", "/console/settings/", "Purposes")(stage).press("newsletter"),
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_fits_and_is_quiet(stage: Stage, axe: str, name: str, width: str) -> None:
    for tab in stage.tabs.values():
        tab.noises.clear()
        tab.resize(WIDTHS[width])
    tab = PAGES[name](stage)
    assert tab.status < 500
    for scheme in ("dark", "light"):
        tab.scheme(scheme)
        assert looking.accessibility(tab, axe) == [], scheme
    assert looking.overflow(tab) <= 0
    assert looking.foreign(tab) == []
    assert tab.noises == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["today", "request waiting"])
def test_a_page_of_another_day_is_as_accessible(stage: Stage, axe: str, name: str, width: str) -> None:
    tab = PAGES[name](stage)
    tab.noises.clear()
    tab.resize(WIDTHS[width])
    tab.press("A week later")
    try:
        assert tab.run("[...document.querySelectorAll('main button')].filter(e => e.offsetParent).length") == 0
        assert "You are looking at" in tab.run("document.body.innerText")
        assert looking.accessibility(tab, axe) == []
        assert looking.overflow(tab) <= 0
        assert tab.noises == []
    finally:
        tab.press("Back to today")
    assert "You are looking at" not in tab.run("document.body.innerText")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("privacy", "Acme Outdoor"),
        ("privacy of a brand", "Fern"),
        ("privacy status erased", "What we deleted"),
        ("request unreachable", "Not answering at present: Archive"),
        ("systems unreachable", "does not answer"),
    ],
)
def test_a_page_that_is_looked_at_is_the_one_it_is_called(stage: Stage, name: str, words: str) -> None:
    assert words in PAGES[name](stage).run("document.body.innerText")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "name", ["privacy address wrong", "preferences choices", "today", "request waiting", "person", "ledger"]
)
def test_the_keyboard_reaches_everything_and_shows_where_it_is(stage: Stage, name: str, width: str) -> None:
    for tab in stage.tabs.values():
        tab.resize(WIDTHS[width], 720)
    stops, faults = looking.unseen_focus(PAGES[name](stage))
    assert stops >= 5
    assert faults == []


def test_the_policy_stops_what_would_run_and_says_so(stage: Stage) -> None:
    tab = stage.open("anyone", "/privacy/")
    tab.noises.clear()
    tab.run("document.body.insertAdjacentHTML('beforeend', '<img src=\"data:,\" onerror=\"alert(1)\">')")
    tab.run("new Promise(done => setTimeout(done, 200))")
    assert any("Content Security Policy" in noise for noise in tab.noises)
    assert not [noise for noise in tab.noises if noise.startswith("dialog")]


def test_what_looks_is_not_blind(chromium: Chromium, axe: str, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(
        "<!doctype html><title>x</title><input><p style='width:9000px;color:#ccc;background:#fff'>pale</p>"
        "<a href='javascript:alert(1)' style='outline:0'>x</a><script>alert(1)</script>",
        encoding="utf-8",
    )
    tab = chromium.tab(width=360).open(page.as_uri())
    assert {each.split(":")[0] for each in looking.accessibility(tab, axe)} >= {
        "color-contrast",
        "html-has-lang",
        "label",
    }
    assert looking.overflow(tab) > 0
    assert len(looking.foreign(tab)) >= 3
    assert tab.noises == ["dialog: 1"]
    assert 'no ring: <a href="javascript:alert(1)" style="outline:0">x</a>' in looking.unseen_focus(tab)[1]
