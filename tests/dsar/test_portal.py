"""The portal through HTTP only: the whole way of a person, what it never tells, and what it never keeps."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from dsar import services
from dsar.models import SubjectRequest
from governance.audit import trust
from governance.audit.sequencer import sequence
from governance.crypto.proofs import verify_receipt
from governance.models import Controller, LedgerEntry, SystemStep
from governance.policy.vocabulary import ALLOWED, Action, Role
from governance.subjects import patience
from governance.systems import runtime
from tests.dsar.conftest import ANN, House, approve, fresh, last_code, letters, work
from tests.governance.conftest import signed_in
from tests.governance.console.conftest import Page

if TYPE_CHECKING:
    from django.http import HttpResponse

    from governance.models import DataSubject

pytestmark = pytest.mark.django_db


def submit(client: Client, email: str = ANN, ask: str = "copy") -> HttpResponse:
    return client.post("/privacy/request/submit/", {"ask": ask, "email": email, "customer_number": ""})


def enter(client: Client, house: House, email: str = ANN, ask: str = "copy") -> SubjectRequest:
    submit(client, email, ask)
    client.post("/privacy/code/", {"code": last_code(house.controller)})
    return SubjectRequest.objects.latest("received_at")


@pytest.mark.parametrize(
    ("method", "page", "action"),
    [
        ("get", "status", Action.REQUEST_READ), ("get", "looked", Action.REQUEST_READ),
        ("get", "withdraw", Action.REQUEST_CREATE), ("post", "withdraw", Action.REQUEST_CREATE),
        ("get", "download", Action.REQUEST_READ), ("post", "download", Action.REQUEST_READ),
        ("post", "receipt", Action.REQUEST_READ),
    ],
)  # fmt: skip
def test_every_page_of_a_request_asks_whether_its_person_may(
    client: Client, house: House, method: str, page: str, action: Action, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/privacy/{page}/"
    stranger = getattr(Client(), method)(path)
    assert (stranger.status_code, stranger["Location"]) == (302, "/privacy/return/")
    row = enter(client, house)
    status = fresh(row).status
    monkeypatch.setitem(ALLOWED, Role.DATA_SUBJECT, ALLOWED[Role.DATA_SUBJECT] - {action})
    assert getattr(client, method)(path).status_code == 403
    (denied,) = LedgerEntry.objects.filter(type="access.denied")
    assert json.loads(denied.payload)["details"]["action"] == action.value
    assert fresh(row).status == status


def test_the_pages_follow_each_other_without_a_script(client: Client, house: House) -> None:
    assert b"Start" in client.get("/privacy/").content
    assert b"What do you want us to do?" in client.get("/privacy/request/").content
    chosen = client.post("/privacy/request/", {"ask": "both"})
    assert chosen["Location"] == "/privacy/request/address/?ask=both"
    assert b"e-mail address" in client.get(chosen["Location"]).content
    check = client.post("/privacy/request/address/", {"ask": "both", "email": ANN, "customer_number": "7"})
    assert b"Check your answers" in check.content
    assert b"Deleting cannot be undone" in check.content
    sent = client.post("/privacy/request/submit/", {"ask": "both", "email": ANN, "customer_number": "7"})
    assert sent["Location"] == "/privacy/code/"
    assert b"Check your e-mail" in client.get("/privacy/code/").content
    proven = client.post("/privacy/code/", {"code": last_code(house.controller)})
    assert proven["Location"] == "/privacy/status/"
    page = client.get("/privacy/status/").content.decode()
    assert SubjectRequest.objects.get().reference in page
    assert "We will answer by" in page
    assert "Withdraw your request" in page


def require_receipt(client: Client, request: SubjectRequest) -> None:
    """Fetch the receipt of the answer and verify it with the public keys."""
    assert client.post("/privacy/receipt/")["Location"] == "/privacy/status/"  # it waits for its place
    while sequence():
        pass
    proof, _ = verify_receipt(client.post("/privacy/receipt/").content.decode(), trust.policy().open)
    said = json.loads(proof.extra or b"")
    assert (said["object"], said["details"]["status"]) == (f"request:{request.pk.hex}", "responded")
    assert ANN not in (proof.extra or b"").decode()


def test_the_copy_is_fetched_after_a_fresh_code(client: Client, house: House, ann: DataSubject) -> None:
    request = enter(client, house)
    work()
    approve(house, fresh(request))
    work()
    services.respond(fresh(request), principal=house.principal)
    letter = letters(house.controller)[-1]
    assert ANN not in letter
    assert request.reference in letter

    later = Client()
    with time_machine.travel(timezone.now() + timedelta(days=3)):
        assert later.get("/privacy/download/")["Location"] == "/privacy/return/"
        later.post("/privacy/return/", {"reference": request.reference.lower(), "email": ANN.upper()})
        later.post("/privacy/code/", {"code": last_code(house.controller)})
        assert b"Get your copy" in later.get("/privacy/status/").content
        require_receipt(later, request)
        page = later.get("/privacy/download/").content.decode()
        assert "it is about another person" in page
        answer = later.post("/privacy/download/")
        assert answer["Content-Disposition"].startswith("attachment")
        assert "no-store" in answer["Cache-Control"]
        with zipfile.ZipFile(io.BytesIO(answer.getvalue())) as archive:
            assert "index.html" in archive.namelist()
        for _ in range(4):
            assert later.post("/privacy/download/").status_code == 200
        assert later.post("/privacy/download/").status_code == 410
    with time_machine.travel(timezone.now() + timedelta(days=3, minutes=40)):
        assert later.get("/privacy/status/")["Location"] == "/privacy/return/"  # the proof lasts half an hour


def test_a_copy_expires(client: Client, house: House, ann: DataSubject) -> None:
    request = enter(client, house)
    work()
    approve(house, fresh(request))
    work()
    services.respond(fresh(request), principal=house.principal)
    with time_machine.travel(timezone.now() + timedelta(days=13, hours=23, minutes=45)):
        later = Client()
        later.post("/privacy/return/", {"reference": request.reference, "email": ANN})
        later.post("/privacy/code/", {"code": last_code(house.controller)})
    with time_machine.travel(timezone.now() + timedelta(days=14, minutes=1)):
        assert b"can no longer be downloaded" in later.get("/privacy/download/").content
        assert later.post("/privacy/download/").status_code == 410


def test_known_and_unknown_people_see_the_same(house: House, ann: DataSubject) -> None:
    pages = []
    for email in (ANN, "stranger@example.net"):
        client = Client()
        sent = submit(client, email)
        code_page = client.get("/privacy/code/")
        refused = client.post("/privacy/code/", {"code": "000000"})
        proven = client.post("/privacy/code/", {"code": last_code(house.controller)})
        status = client.get("/privacy/status/").content.decode()
        reference = SubjectRequest.objects.latest("received_at").reference
        pages.append(
            [
                (sent.status_code, sent["Location"]),
                _without_token(code_page),
                _without_token(refused),
                proven["Location"],
                _without_token(status).replace(reference, ""),
            ]
        )
    assert pages[0] == pages[1]


def _without_token(page: object) -> str:
    text = page if isinstance(page, str) else page.content.decode()  # type: ignore[attr-defined]
    return "\n".join(line for line in text.splitlines() if "csrfmiddlewaretoken" not in line)


def test_coming_back_tells_nothing_about_references(client: Client, house: House, ann: DataSubject) -> None:
    request = enter(Client(), house)
    for reference, email in ((request.reference, "stranger@example.net"), ("R-0000-0000", ANN)):
        sent = client.post("/privacy/return/", {"reference": reference, "email": email})
        assert (sent.status_code, sent["Location"]) == (302, "/privacy/code/")
        answer = client.post("/privacy/code/", {"code": last_code(house.controller)})
        assert b"This code does not work" in answer.content
        assert client.get("/privacy/status/")["Location"] == "/privacy/return/"


def test_a_request_of_another_controller_is_not_found_here(client: Client, house: House, ann: DataSubject) -> None:
    request = enter(Client(), house)
    Controller.objects.create(slug="other", name="Other", host="other.example")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.http.request.HttpRequest.get_host", lambda _request: "other.example")
        client.post("/privacy/return/", {"reference": request.reference, "email": ANN})
        code = last_code(Controller.objects.get(slug="other"))
        assert b"This code does not work" in client.post("/privacy/code/", {"code": code}).content


def test_a_code_works_once_and_five_wrong_ones_end_it(client: Client, house: House) -> None:
    submit(client)
    code = last_code(house.controller)
    for _ in range(5):
        assert b"This code does not work" in client.post("/privacy/code/", {"code": "111111"}).content
    assert b"This code does not work" in client.post("/privacy/code/", {"code": code}).content
    client.post("/privacy/code/again/")
    assert client.post("/privacy/code/", {"code": last_code(house.controller)}).status_code == 302


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"ask": "copy", "email": ""}, "Type your e-mail address"),
        ({"ask": "copy", "email": "no address"}, "name@example.org"),
        ({"ask": "copy", "email": "x" * 300 + "@example.org"}, "at most 254"),
        ({"ask": "copy", "email": "a@example.org\r\nBcc: b@example.org"}, "name@example.org"),
    ],
)
def test_a_bad_address_is_said_beside_the_field(client: Client, house: House, data: dict[str, str], said: str) -> None:
    page = client.post("/privacy/request/submit/", data)
    assert page.status_code == 200
    assert said in page.content.decode()
    assert "There is a problem" in page.content.decode()
    assert not SubjectRequest.objects.exists()


def test_nothing_chosen_leads_back_to_the_choice(client: Client, house: House) -> None:
    assert b"Choose what you want us to do" in client.post("/privacy/request/", {}).content
    assert client.get("/privacy/request/address/?ask=everything")["Location"] == "/privacy/request/"
    assert client.post("/privacy/request/submit/", {"ask": "x", "email": ANN})["Location"] == "/privacy/request/"


def test_the_session_holds_ids_only(client: Client, house: House, ann: DataSubject) -> None:
    enter(client, house)
    client.post("/privacy/return/", {"reference": "R-1234-5678", "email": ANN})
    stored = [str(session.get_decoded()) for session in Session.objects.all()]
    assert stored
    assert not [text for text in stored if "@" in text or "canary" in text]


def test_the_session_key_changes_when_the_address_is_proven(client: Client, house: House) -> None:
    submit(client)
    before = client.session.session_key
    client.post("/privacy/code/", {"code": last_code(house.controller)})
    assert client.session.session_key != before


def test_withdrawing_asks_once_and_stops(client: Client, house: House, ann: DataSubject) -> None:
    request = enter(client, house, ask="delete")
    assert b"Withdraw your request?" in client.get("/privacy/withdraw/").content
    assert fresh(request).status == "planning"
    client.post("/privacy/withdraw/")
    assert fresh(request).status == "withdrawn"
    assert b"You withdrew your request" in client.get("/privacy/status/").content


def test_too_many_codes_are_refused_in_words(client: Client, house: House) -> None:
    answers = [submit(client) for _ in range(7)]
    assert answers[-1].status_code == 200
    assert "Too many codes" in answers[-1].content.decode()


def test_forms_need_their_token(house: House) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert submit(strict).status_code == 403


def test_leaving_ends_the_proof(client: Client, house: House) -> None:
    enter(client, house)
    client.post("/privacy/leave/")
    assert client.get("/privacy/status/")["Location"] == "/privacy/return/"


def test_one_computer_that_asks_too_often_shuts_nobody_else_out(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PER_SOURCE", ((timedelta(hours=1), 2),))
    noisy, other = Client(REMOTE_ADDR="198.51.100.7"), Client(REMOTE_ADDR="192.0.2.1")
    for number in range(2):
        assert submit(noisy, f"nobody{number}@example.org").status_code == 302
    assert b"Try again in an hour" in submit(noisy, "nobody@example.org").content
    again = noisy.post("/privacy/return/", {"reference": "R-0000-0000", "email": "nobody@example.org"})
    assert b"Try again in an hour" in again.content
    assert submit(other, "nobody@example.org").status_code == 302


def test_a_person_sees_who_opened_what_belongs_to_the_request(client: Client, house: House, ann: DataSubject) -> None:
    assert client.get("/privacy/looked/").status_code == 302
    request = enter(client, house)
    work()
    officer = signed_in(house.officer)
    officer.post(f"/console/people/{ann.pk}/identifiers/{ann.identifiers.first().pk}/", {"purpose": "customer_support"})
    response = client.get("/privacy/looked/")
    text = response.content.decode()
    assert Page(response).problems() == []
    assert "Privacy officer" in text
    assert "to help you with a question" in text
    assert "This service itself" in text
    assert ANN not in text
    assert house.officer.email not in text
    assert request.reference in client.get("/privacy/status/").content.decode()


def test_the_status_page_says_what_was_deleted_and_what_is_kept_until_when(
    client: Client, house: House, ann: DataSubject
) -> None:
    request = enter(client, house, ask="delete")
    assert b"What we deleted" not in client.get("/privacy/status/").content
    work()
    approve(house, fresh(request))
    work()
    assert b"What we deleted" not in client.get("/privacy/status/").content  # not before the answer says so
    services.respond(fresh(request), principal=house.principal)
    text = client.get("/privacy/status/").content.decode()
    assert "<li>Store, customer: e-mail address, name, password</li>" in text
    assert "<li>Store, invoice: name (other records). Invoices are kept for bookkeeping (AO § 147), until" in text
    assert "bill_to" not in text


def test_after_a_first_part_the_status_page_tells_no_more_than_the_letter(
    client: Client, house: House, ann: DataSubject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "ATTEMPTS", 1)
    request = enter(client, house, ask="delete")
    work()
    away = house.news.rename(house.news.with_suffix(".away"))
    approve(house, fresh(request))
    work()
    services.go_without(fresh(request), "supplement", principal=house.principal)
    work()
    assert b"What we deleted" not in client.get("/privacy/status/").content
    services.respond(fresh(request), principal=house.principal)
    first = client.get("/privacy/status/").content
    assert (b"Store, customer" in first, b"News, subscriber" in first) == (True, False)
    away.rename(house.news)
    SystemStep.objects.filter(job=request.pk, state="pending").update(due_at=timezone.now())
    work()
    assert fresh(request).status == "reviewing"
    second = client.get("/privacy/status/").content
    assert (b"Store, customer" in second, b"News, subscriber" in second) == (True, False)
    services.respond(fresh(request), principal=house.principal)
    assert b"News, subscriber" in client.get("/privacy/status/").content


def test_whoever_wants_a_correction_or_a_stop_is_told_where_to_turn(house: House) -> None:
    Controller.objects.recorded().update(contact="privacy@acme.example")
    text = Client().get("/privacy/request/").content.decode()
    assert 'href="/preferences/"' in text.partition("</form>")[2].partition("</details>")[0]
    assert "write to us: a person reads it. privacy@acme.example</p></details>" in text
