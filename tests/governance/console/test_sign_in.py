"""Staff sign-in: one-time links, the password page, and one ledger event for each arrival, departure and failure."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from config.logging import redact
from governance.access import sign_in, staffing
from governance.models import LedgerEntry, SignInLink, StaffUser
from governance.policy.principal import operator
from tests.governance.conftest import PASSWORD, signed_in
from tests.governance.console.conftest import Page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from governance.models import Controller


@pytest.fixture(autouse=True)
def _fresh_limits() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def link(officer: StaffUser) -> str:
    who = operator("0" * 32)
    return f"/accounts/link/{sign_in.issue_link(officer, principal=who, instant=timezone.now())}/"


def events(kind: str) -> list[LedgerEntry]:
    return list(LedgerEntry.objects.filter(type=f"staff.{kind}"))


def is_signed_in(client: Client) -> bool:
    return client.get("/console/").status_code == 200


def test_a_link_signs_in_once(link: str, officer: StaffUser) -> None:
    first, second = Client(), Client()
    response = first.post(link)
    assert (response.status_code, response.headers["Location"]) == (302, "/console/")
    assert is_signed_in(first)
    assert second.post(link).status_code == 410
    assert not is_signed_in(second)
    (event,) = events("signed_in")
    assert event.actor_ref == f"staff:{officer.pk.hex}"


def test_a_scanner_that_follows_the_link_does_not_use_it_up(link: str) -> None:
    scanner, person = Client(), Client()
    for method in (scanner.get, scanner.head, scanner.get):
        assert method(link).status_code == 200
    assert not is_signed_in(scanner)
    assert Page(scanner.get(link)).problems() == []
    assert person.post(link).status_code == 302


def test_wrong_used_expired_and_inactive_links_look_the_same(link: str, officer: StaffUser) -> None:
    wrong = Client().post("/accounts/link/link_0000/")
    with time_machine.travel(timezone.now() + sign_in.LINK_PERIOD + timedelta(seconds=1), tick=False):
        expired = Client().post(link)
    staffing.change(officer, principal=operator(""), is_active=False)
    inactive = Client().post(link)
    staffing.change(officer, principal=operator(""), is_active=True)
    Client().post(link)
    used = Client().post(link)
    assert {each.status_code for each in (wrong, expired, inactive, used)} == {410}
    assert len({each.content for each in (wrong, expired, inactive, used)}) == 1
    assert Page(wrong).problems() == []


def test_a_newer_link_ends_the_older(link: str, officer: StaffUser) -> None:
    newer = sign_in.issue_link(officer, principal=operator("0" * 32), instant=timezone.now())
    assert Client().post(link).status_code == 410
    assert Client().post(f"/accounts/link/{newer}/").status_code == 302


def test_only_a_digest_of_the_link_is_stored_and_logs_lose_it(link: str) -> None:
    token = link.split("/")[3]
    assert token.encode() not in bytes(SignInLink.objects.get().digest)
    assert token not in str(redact(None, "info", {"event": "request_started", "request": f"POST {link}"}))


def test_who_sat_here_before_leaves_first(link: str, officer: StaffUser, controller: Controller) -> None:
    client = Client()
    client.force_login(StaffUser.objects.create_user("other@staff.example"), backend=BACKEND)
    key = client.session.session_key
    client.post(link)
    assert client.session["_auth_user_id"] == str(officer.pk)
    assert client.session.session_key != key


BACKEND = "django.contrib.auth.backends.ModelBackend"


def test_a_password_signs_in_and_out(officer: StaffUser) -> None:
    officer.set_password(PASSWORD)
    officer.save()
    client = Client()
    response = client.post("/accounts/login/?next=/console/systems/", {"login": officer.email, "password": PASSWORD})
    assert response.status_code == 302
    assert client.get("/accounts/password/change/").status_code == 200
    assert not is_signed_in(client)  # the console asks for a second factor: test_sign_in_factor.py
    assert client.post("/accounts/logout/").headers["Location"] == "/accounts/login/"
    assert client.get("/accounts/password/change/").status_code == 302
    assert [event.actor_ref for event in events("signed_in") + events("signed_out")] == [f"staff:{officer.pk.hex}"] * 2


def test_signing_out_needs_a_post(officer: StaffUser) -> None:
    client = signed_in(officer)
    assert client.get("/accounts/logout/").status_code == 200
    assert is_signed_in(client)


@pytest.mark.parametrize("email", ["privacy_officer@staff.example", "nobody@staff.example"])
def test_a_failure_says_the_same_for_known_and_unknown_and_keeps_no_address(email: str, officer: StaffUser) -> None:
    response = Client().post("/accounts/login/", {"login": email, "password": "wrong wrong wrong"})
    text = response.content.decode()
    assert response.status_code == 200
    assert "<title>Error: " in text
    assert "The email address and/or password you specified are not correct." in text
    assert Page(response).problems() == []
    (event,) = events("sign_in_failed")
    assert email not in event.payload


def test_guessing_is_stopped(officer: StaffUser) -> None:
    officer.set_password(PASSWORD)
    officer.save()
    client = Client()
    for _attempt in range(6):
        client.post("/accounts/login/", {"login": officer.email, "password": "wrong wrong wrong"})
    response = client.post("/accounts/login/", {"login": officer.email, "password": PASSWORD})
    assert response.status_code == 200
    assert "Too many failed login attempts" in response.content.decode()
    assert not is_signed_in(client)


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_sign_in_leads_nowhere_else(target: str, officer: StaffUser) -> None:
    officer.set_password(PASSWORD)
    officer.save()
    form = {"login": officer.email, "password": PASSWORD, "next": target}
    assert Client().post("/accounts/login/", form).headers["Location"] == "/console/"


@pytest.mark.parametrize("path", ["signup/", "email/", "password/reset/", "confirm-email/"])
def test_nobody_signs_up_and_no_other_door_is_open(path: str, db: None) -> None:
    assert Client().get(f"/accounts/{path}").status_code == 404


def test_the_sign_in_page_lets_password_managers_work(db: None) -> None:
    page = Page(Client().get("/accounts/login/"))
    assert page.problems() == []
    assert page.controls["id_login"]["autocomplete"] == "email"
    assert page.controls["id_password"]["autocomplete"] == "current-password"


def test_after_a_link_a_password_can_be_set_and_changed(link: str, officer: StaffUser) -> None:
    client = Client()
    client.post(link)
    assert client.get("/accounts/password/change/").headers["Location"] == "/accounts/password/set/"
    assert Page(client.get("/accounts/password/set/")).problems() == []
    weak = client.post("/accounts/password/set/", {"password1": "short", "password2": "short"})
    assert "at least 12 characters" in weak.content.decode()
    done = client.post("/accounts/password/set/", {"password1": PASSWORD, "password2": PASSWORD})
    assert done.status_code == 302
    assert is_signed_in(client)
    assert Page(client.get("/accounts/password/change/")).problems() == []
    officer.refresh_from_db()
    assert officer.check_password(PASSWORD)


def test_create_officer_makes_staff_without_a_password_and_prints_a_link_that_works(controller: Controller) -> None:
    out = io.StringIO()
    call_command("create_officer", "New.Officer@staff.example", "--name", "New Officer", stdout=out)
    address = out.getvalue().strip().splitlines()[-1]
    user = StaffUser.objects.get()
    assert (user.email, user.has_usable_password()) == ("new.officer@staff.example", False)
    client = Client()
    assert client.post(address.removeprefix("http://testserver")).status_code == 302
    assert is_signed_in(client)
    kinds = set(LedgerEntry.objects.values_list("type", flat=True))
    assert {"staff.created", "grant.changed", "staff.link_issued", "staff.signed_in"} <= kinds


def test_create_officer_again_gives_the_same_person_a_new_link(controller: Controller) -> None:
    for _time in range(2):
        call_command("create_officer", "officer@staff.example", stdout=io.StringIO())
    assert StaffUser.objects.count() == 1
    assert SignInLink.objects.count() == 1


def test_create_officer_names_the_address_that_staff_use(controller: Controller) -> None:
    told = io.StringIO()
    call_command("create_officer", "officer@staff.example", "--url", "https://console.example/", stdout=told)
    link = told.getvalue().split()[-1]
    assert link.startswith("https://console.example/accounts/link/")
    client = Client()
    client.post(link.removeprefix("https://console.example"))
    assert is_signed_in(client)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["not an address"], "work e-mail"), (["a@staff.example", "--controller", "nowhere"], "there are: acme")],
)
def test_create_officer_says_what_to_type(arguments: list[str], said: str, controller: Controller) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("create_officer", *arguments)
    assert not StaffUser.objects.exists()


def test_an_inactive_person_gets_no_link(controller: Controller) -> None:
    StaffUser.objects.create_user("gone@staff.example", is_active=False)
    with pytest.raises(CommandError, match="inactive"):
        call_command("create_officer", "gone@staff.example")
    assert not SignInLink.objects.exists()
