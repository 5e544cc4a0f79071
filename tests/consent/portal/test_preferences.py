"""The preference centre as a visitor walks it: prove, see, choose, stop; no trace of an address anywhere."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from consent.lifecycle import UNKNOWN, State
from consent.models import ConsentEvent, ConsentState, PrivacyNotice
from consent.portal import words
from governance import subjects, vault
from governance.access import principal_of
from governance.audit.sequencer import sequence
from governance.catalogue import purposes
from governance.crypto.policies import Policy
from governance.crypto.proofs import verify_receipt
from governance.models import AddressProof, Controller, DataSubject, LedgerEntry, OutgoingMessage
from governance.policy.principal import operator, worker
from governance.policy.vocabulary import ALLOWED, Action, RevealPurpose, Role
from governance.subjects import proving
from tests.consent.conftest import JANE, Caller, House, house_of
from tests.governance.conftest import staff
from tests.governance.console.conftest import Page

if TYPE_CHECKING:
    from django.http import HttpResponse

STRANGER = "stranger@example.net"


@pytest.fixture(autouse=True)
def _hosts(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["testserver", ".example"]


class Visitor:
    """A person with a browser and a mailbox."""

    def __init__(self, address: str = JANE, host: str = "testserver") -> None:
        self.address = address
        self.browser = Client(enforce_csrf_checks=True, headers={"host": host})

    def ask(self) -> HttpResponse:
        return self.submit("/preferences/", {"address": self.address})

    def answer(self, code: str | None = None) -> HttpResponse:
        return self.submit("/preferences/code/", {"code": code or self.code()}, page="/preferences/code/")

    def enter(self) -> str:
        assert self.ask().status_code == 302
        assert self.answer().headers["Location"] == "/preferences/choices/"
        return self.page()

    def code(self) -> str:
        message = OutgoingMessage.objects.order_by("-created_at").first()
        text = vault.reveal(
            message.text, principal=worker(message.controller_id.hex), purpose=RevealPurpose.LETTER_DELIVERY
        )
        return re.search(r"\b\d{6}\b", str(text))[0]

    def page(self) -> str:
        response = self.browser.get("/preferences/choices/")
        assert response.status_code == 200
        return response.content.decode()

    def submit(self, path: str, data: dict[str, str], page: str = "/preferences/") -> HttpResponse:
        return self.browser.post(path, data | {"csrfmiddlewaretoken": self.token(page)})

    def token(self, page: str) -> str:
        found = re.search(r'csrfmiddlewaretoken" value="(\w+)"', self.browser.get(page).content.decode())
        return found[1] if found else ""

    def press(self, choice: str, purpose: str = "newsletter", channel: str = "", **more: str) -> str:
        shown = re.search(r'name="shown" value="(\w+)"', self.page())[1]
        data = {"purpose": purpose, "channel": channel, "choice": choice, "shown": shown} | more
        response = self.submit("/preferences/choose/", data, page="/preferences/choices/")
        assert response.headers["Location"] == "/preferences/choices/", response.content
        return self.page()

    def stop(self) -> str:
        assert self.submit("/preferences/stop/", {}, page="/preferences/choices/").status_code == 302
        return self.page()


@pytest.mark.parametrize(
    ("method", "page", "action"),
    [
        ("get", "choices", Action.CONSENT_READ), ("get", "looked", Action.CONSENT_READ),
        ("post", "choose", Action.CONSENT_RECORD), ("post", "stop", Action.CONSENT_RECORD),
        ("post", "receipt", Action.CONSENT_READ),
    ],
)  # fmt: skip
def test_every_page_asks_whether_its_person_may(
    house: House, jane: DataSubject, method: str, page: str, action: Action, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/preferences/{page}/"
    stranger = getattr(Client(), method)(path)
    assert (stranger.status_code, stranger["Location"]) == (302, "/preferences/")
    visitor = Visitor()
    visitor.enter()
    token = {"csrfmiddlewaretoken": visitor.token("/preferences/choices/")} if method == "post" else {}
    before = ConsentEvent.objects.count()
    monkeypatch.setitem(ALLOWED, Role.DATA_SUBJECT, ALLOWED[Role.DATA_SUBJECT] - {action})
    assert getattr(visitor.browser, method)(path, token).status_code == 403
    (denied,) = LedgerEntry.objects.filter(type="access.denied")
    assert json.loads(denied.payload)["details"]["action"] == action.value
    assert ConsentEvent.objects.count() == before


def test_a_known_person_sees_and_changes_each_choice(caller: Caller, house: House) -> None:
    caller.record()
    visitor = Visitor()
    page = visitor.enter()
    for name in ("Newsletter", "Offers", "Delivery", "Stop everything", "in a form", "What we do."):
        assert name in page
    page = visitor.press("no")
    assert "Newsletter: no, from now on." in page
    assert caller.check()["reasons"] == ["CONSENT_WITHDRAWN"]
    visitor.press("yes", channel="sms")
    assert caller.check(channel="sms")["reasons"] == ["CONSENT_GIVEN"]
    assert caller.check(channel="email")["decision"] == "deny"
    event = ConsentEvent.objects.order_by("-recorded_at").first()
    assert (event.method, event.notice_revision) == ("preference_centre", house.notice)
    assert event.actor_ref == f"data_subject:{DataSubject.objects.get().pk.hex}"
    entry = LedgerEntry.objects.filter(type="consent.recorded").order_by("recorded_at").last()
    assert DataSubject.objects.get().pk.hex not in entry.payload


def test_a_stranger_sees_the_same_and_is_registered_by_choosing(caller: Caller) -> None:
    visitor = Visitor(STRANGER)
    page = visitor.enter()
    assert page.count("No choice recorded") >= 2
    assert not DataSubject.objects.exists()
    visitor.press("yes")
    assert caller.check(STRANGER)["decision"] == "allow"
    assert DataSubject.objects.get().identifiers.get().verified_at is not None
    assert "on this page" in visitor.page()


def test_stop_everything_is_one_press(caller: Caller) -> None:
    caller.record()
    caller.record(channel="email")
    visitor = Visitor()
    visitor.enter()
    page = visitor.stop()
    assert "Everything is stopped from now on: Newsletter, Offers." in page
    for purpose, channel in (("newsletter", "email"), ("newsletter", ""), ("offers", "post")):
        assert caller.check(purpose=purpose, channel=channel)["decision"] == "deny"
    stranger = Visitor(STRANGER)
    stranger.enter()
    stranger.stop()
    assert caller.check(STRANGER, purpose="offers", channel="post")["reasons"] == ["OBJECTION_DM"]


def test_without_a_published_notice_the_page_itself_is_kept_as_what_was_shown(house: House) -> None:
    bare = Controller.objects.create(slug="bare", name="Bare", host="bare.example")
    who = operator(bare.pk.hex)
    purposes.create(bare, principal=who, key="news", name="News", description="Once a week.", lawful_basis="consent")
    visitor = Visitor(host="bare.example")
    visitor.enter()
    visitor.press("yes", purpose="news")
    visitor.press("no", purpose="news")
    revision = ConsentEvent.objects.order_by("recorded_at").first().notice_revision
    assert revision.notice.key == "preference-centre"
    assert "Once a week." in revision.text
    assert revision.notice.revisions.count() == 1


def test_nobody_agrees_to_words_that_changed_since_they_were_shown(caller: Caller, house: House) -> None:
    visitor = Visitor()
    page = visitor.enter()
    shown = re.search(r'name="shown" value="(\w+)"', page)[1]
    principal = operator(house.controller.pk.hex)
    purposes.change(house.newsletter, principal=principal, description="And we sell it.")
    page = visitor.press("yes", shown=shown)
    assert "The words on this page have changed" in page
    assert caller.check()["reasons"] == ["NO_RECORD"]
    # A no needs no words.
    visitor.press("no", shown=shown)
    assert caller.check()["reasons"] == ["CONSENT_WITHDRAWN"]


def test_special_categories_are_agreed_to_expressly(caller: Caller, house: House) -> None:
    purposes.change(house.newsletter, principal=operator(house.controller.pk.hex), special_category=True)
    visitor = Visitor()
    assert "Yes, I expressly agree" in visitor.enter()
    visitor.press("yes")
    assert caller.check()["decision"] == "allow"


def test_what_must_be_cannot_be_chosen(house: House) -> None:
    visitor = Visitor()
    page = visitor.enter()
    assert page.count('value="delivery"') == 0
    shown = re.search(r'name="shown" value="(\w+)"', page)[1]
    for forged in (
        {"purpose": "delivery"},
        {"purpose": "telepathy"},
        {"channel": "pigeon"},
        {"choice": "maybe"},
        {"shown": "x"},
        {"purpose": ""},
    ):
        data = {"purpose": "newsletter", "channel": "", "choice": "no", "shown": shown} | forged
        assert visitor.submit("/preferences/choose/", data, page="/preferences/choices/").status_code == 422
    assert not ConsentEvent.objects.exists()


def test_every_page_is_sound_without_scripts_and_styles(caller: Caller) -> None:
    caller.record(channel="email")
    visitor = Visitor()
    pages = [visitor.browser.get("/preferences/"), Visitor("nobody").ask(), visitor.ask()]
    pages[2] = visitor.browser.get("/preferences/code/")
    visitor.answer()
    pages.append(visitor.browser.get("/preferences/choices/"))
    for page in pages:
        assert Page(page).problems() == []
    # Yes and No weigh the same.
    buttons = re.findall(r'<button type="submit" class="([^"]*)" name="choice"', pages[3].content.decode())
    assert len(buttons) == 12
    assert len(set(buttons)) == 1


# --- The way in -------------------------------------------------------------------------------------------------------


def test_known_and_unknown_addresses_get_the_same_pages(caller: Caller) -> None:
    caller.record()
    pages = []
    for address in (JANE, STRANGER):
        visitor = Visitor(address)
        asked = visitor.ask()
        page = visitor.browser.get("/preferences/code/").content.decode()
        wrong = visitor.answer("000000" if visitor.code() != "000000" else "111111")
        pages.append((asked.status_code, asked.headers["Location"], _plain(page), wrong.status_code, _plain(wrong)))
    assert pages[0] == pages[1]
    assert pages[0][3] == 422


@pytest.mark.parametrize("address", ["", "jane", "kanarienvogel@", "a b@example.org"])
def test_a_wrong_address_is_explained_and_not_repeated_in_the_error(house: House, address: str) -> None:
    response = Visitor(address).ask()
    page = response.content.decode()
    assert response.status_code == 422
    assert "There is a problem" in page
    assert "<title>Error: " in page
    assert 'href="#id_address"' in page
    assert not AddressProof.objects.exists()


def test_too_many_codes_are_refused_on_the_page(house: House) -> None:
    for _turn in range(5):
        assert Visitor().ask().status_code == 302
    response = Visitor().ask()
    assert response.status_code == 422
    assert "Try again in an hour" in response.content.decode()


@pytest.mark.parametrize("path", ["choices", "code"])
def test_without_a_proof_every_page_leads_to_the_start(house: House, path: str) -> None:
    response = Client().get(f"/preferences/{path}/")
    assert (response.status_code, response.headers["Location"]) == (302, "/preferences/")


def test_a_person_keeps_receipts_of_their_own_choices_alone(caller: Caller, house: House) -> None:
    caller.record()
    visitor, other = Visitor(), Visitor("somebody@else.example")
    page = visitor.enter()
    event = re.search(r'name="event" value="([0-9a-f-]{36})"', page)[1]
    ask = {"path": "/preferences/receipt/", "data": {"event": event}, "page": "/preferences/choices/"}
    assert visitor.submit(**ask).headers["Location"] == "/preferences/choices/"
    assert "being made" in visitor.page()
    assert sequence()
    answer = visitor.submit(**ask)
    assert answer.headers["Content-Disposition"].endswith('.tlog-proof"')
    assert answer.headers["Cache-Control"].endswith("private") or "no-store" in answer.headers["Cache-Control"]
    keys = Policy.parse(Client().get("/ledger-keys").content.decode())
    proof, _head = verify_receipt(answer.content.decode(), keys.open)
    said = json.loads(proof.extra or b"")
    assert (said["object"], said["decision"]) == (f"consent-event:{event.replace('-', '')}", "given")
    assert DataSubject.objects.get(identifiers__isnull=False).pk.hex not in (proof.extra or b"").decode()
    other.enter()
    assert other.submit(**ask).status_code in {302, 422}
    other.press("yes")
    refused = other.submit(**ask)
    assert (refused.status_code, b"c2sp" in refused.content) == (422, False)


@pytest.mark.parametrize("path", ["choose", "stop", "receipt", "leave"])
def test_a_get_changes_nothing_and_a_post_needs_its_token(house: House, path: str) -> None:
    visitor = Visitor()
    visitor.enter()
    assert visitor.browser.get(f"/preferences/{path}/").status_code == 405
    assert visitor.browser.post(f"/preferences/{path}/", {}).status_code == 403
    assert visitor.page()


def test_reading_the_pages_writes_no_choice(caller: Caller) -> None:
    caller.record()
    before = ConsentEvent.objects.count(), PrivacyNotice.objects.count()
    visitor = Visitor()
    visitor.enter()
    visitor.page()
    assert (ConsentEvent.objects.count(), PrivacyNotice.objects.count()) == before


def test_the_visit_ends_after_half_an_hour_or_by_leaving(caller: Caller) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        visitor = Visitor()
        visitor.enter()
        clock.shift(proving.SESSION_LIFETIME)
        assert visitor.browser.get("/preferences/choices/").status_code == 302
    visitor = Visitor()
    visitor.enter()
    visitor.submit("/preferences/leave/", {}, page="/preferences/choices/")
    assert visitor.browser.get("/preferences/choices/").status_code == 302


def test_an_erased_person_is_not_brought_back_by_an_open_page(caller: Caller, house: House) -> None:
    caller.record()
    visitor = Visitor()
    visitor.enter()
    subjects.erase(DataSubject.objects.get(), principal=operator(house.controller.pk.hex))
    assert visitor.browser.get("/preferences/choices/").status_code == 302
    assert not ConsentState.objects.exists()


def test_one_controllers_proof_opens_no_other(caller: Caller) -> None:
    other = house_of("umbrella")
    other.controller.host = "umbrella.example"
    other.controller.save()
    caller.record()
    visitor = Visitor()
    visitor.enter()
    response = visitor.browser.get("/preferences/choices/", headers={"host": "umbrella.example"})
    assert response.status_code == 302


def test_a_strangers_proof_and_code_open_no_other_controller(house: House) -> None:
    other = house_of("umbrella")
    other.controller.host = "umbrella.example"
    other.controller.save()
    there = {"host": "umbrella.example"}
    visitor = Visitor(STRANGER)
    visitor.ask()
    # The code of one controller is not taken on the pages of another.
    plain = Client()
    plain.cookies = visitor.browser.cookies
    away = plain.post("/preferences/code/", {"code": visitor.code()}, headers=there)
    assert (away.status_code, away.headers["Location"]) == (302, "/preferences/")
    assert not AddressProof.objects.filter(confirmed_at__isnull=False).exists()
    # Nor is what was proven for one.
    visitor.answer()
    assert plain.get("/preferences/choices/", headers=there).status_code == 302
    plain.cookies = visitor.browser.cookies
    assert plain.post("/preferences/stop/", {}, headers=there).headers["Location"] == "/preferences/"
    assert not DataSubject.objects.exists()
    assert visitor.page()


def test_nothing_personal_stays_in_addresses_sessions_or_caches(caller: Caller, capfd: Any, caplog: Any) -> None:
    visitor = Visitor("kanarienvogel@example.org")
    visitor.enter()
    visitor.press("yes")
    response = visitor.browser.get("/preferences/choices/")
    assert "no-store" in response.headers["Cache-Control"]
    assert "script" not in response.content.decode().lower().replace("description", "")
    assert "'self'" in response.headers["Content-Security-Policy"]
    assert all("kanarienvogel" not in str(session.get_decoded()) for session in Session.objects.all())
    output = capfd.readouterr()
    assert "kanarienvogel" not in output.out + output.err + caplog.text


def _plain(page: Any) -> str:
    text = page if isinstance(page, str) else page.content.decode()
    return re.sub(r'value="\w{64}"', "", text)


def test_a_choice_made_after_midnight_bears_the_day_and_the_words_of_the_place(caller: Caller, house: House) -> None:
    with time_machine.travel(datetime(2026, 3, 1, 23, 30, tzinfo=UTC), tick=False):
        assert house.controller.time_zone == "Europe/Berlin"
        visitor = Visitor()
        visitor.enter()
        assert "Changed on 2 March 2026, 00:30" in visitor.press("yes")
        assert "Newsletter – yes, on this page" in visitor.press("yes")
        text = visitor.press("no")
        assert "You said no on 2 March 2026" in text
        assert "2 March 2026: Newsletter – no, on this page" in text
        assert "1 March 2026" not in text
        assert "withdrawn" not in text
        officer = principal_of(staff(house.controller, Role.PRIVACY_OFFICER))
        person = subjects.find(house.controller, [("email", JANE)])
        subjects.identifiers_of(person, principal=officer, purpose="fraud_prevention")
        assert "2 March 2026, 00:30" in visitor.browser.get("/preferences/looked/").content.decode()


def test_every_state_has_a_word_for_the_person() -> None:
    assert set(words.STATE_WORDS) == {*State, UNKNOWN}
