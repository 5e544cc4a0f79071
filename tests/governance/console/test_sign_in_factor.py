"""The second factor as a person meets it: enrolment, sign-in, confirmation, recovery, and what is kept of it."""

from __future__ import annotations

import base64
import hmac
import io
import pickle
import re
import struct
import time
from typing import TYPE_CHECKING

import pytest
import time_machine
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.cache.backends.locmem import _caches
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from governance.access import sign_in
from governance.errors import SealRefused
from governance.models import LedgerEntry, StaffUser
from governance.policy.principal import operator
from governance.policy.vocabulary import Role
from tests.governance.conftest import PASSWORD, TOTP_SECRET, enrolled, signed_in, staff
from tests.governance.console.conftest import Page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpResponse
    from pytest_django.fixtures import SettingsWrapper

    from governance.models import Controller, DataSubject

SIGN_IN, FACTOR, SETUP = "/accounts/login/", "/accounts/2fa/authenticate/", "/accounts/2fa/"


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """Ten seconds into the period of a code, so that none expires between two lines."""
    cache.clear()
    with time_machine.travel("2026-03-02T10:00:10+00:00", tick=False) as traveller:
        yield traveller
    cache.clear()


@pytest.fixture(autouse=True)
def production(settings: SettingsWrapper) -> SettingsWrapper:
    settings.GOVERNANCE_DEMO = False
    return settings


def code_of(secret: str = TOTP_SECRET) -> str:
    """Answer the code of this moment (RFC 6238, the defaults of every authenticator app)."""
    key = base64.b32decode(secret)
    digest = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30), "sha1")
    (number,) = struct.unpack_from(">I", digest, digest[-1] & 0x0F)
    return f"{(number & 0x7FFFFFFF) % 10**6:06}"


def link_of(user: StaffUser) -> str:
    return f"/accounts/link/{sign_in.issue_link(user, principal=operator('0' * 32), instant=timezone.now())}/"


def where(response: HttpResponse) -> str:
    assert response.status_code == 302
    return response.headers["Location"]


def is_open(client: Client) -> bool:
    return client.get("/console/").status_code == 200


def give_password(user: StaffUser, client: Client | None = None) -> Client:
    client = client or Client()
    client.post(SIGN_IN, {"login": user.email, "password": PASSWORD})
    return client


def events(kind: str) -> list[LedgerEntry]:
    return list(LedgerEntry.objects.filter(type=f"staff.{kind}").order_by("recorded_at", "id"))


def everything_stored() -> str:
    """Every value of every table, and every session as it is read."""
    with connection.cursor() as cursor:
        texts = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            texts += [str(bytes(cell) if isinstance(cell, memoryview) else cell) for row in cursor for cell in row]
    return "\n".join([*texts, *(str(session.get_decoded()) for session in Session.objects.all())])


# --- Enrolment ------------------------------------------------------------------------------------------------------


def test_a_link_leads_to_enrolment_and_then_the_console_opens(controller: Controller) -> None:
    out = io.StringIO()
    call_command("create_officer", "new@staff.example", stdout=out)
    client = Client()
    client.post(out.getvalue().strip().splitlines()[-1].removeprefix("http://testserver"))
    assert where(client.get("/console/")) == SETUP
    assert Page(client.get(SETUP)).problems() == []
    assert where(client.post("/accounts/password/set/", {"password1": PASSWORD, "password2": PASSWORD})) == SETUP
    assert where(client.get("/console/")) == SETUP  # a password alone is not enough

    assert where(client.get("/accounts/2fa/app/add/")).startswith("/accounts/reauthenticate/")
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = Page(client.get("/accounts/2fa/app/add/"))
    assert page.problems() == []
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", page.text)[1]
    assert secret not in everything_stored()
    wrong = client.post("/accounts/2fa/app/add/", {"code": "000000"})
    assert Page(wrong).problems() == []
    assert "<title>Error: " in wrong.content.decode()
    assert not Authenticator.objects.exists()

    assert where(client.post("/accounts/2fa/app/add/", {"code": code_of(secret)})) == "/accounts/2fa/codes/"
    assert secret not in everything_stored()
    codes = client.get("/accounts/2fa/codes/")
    assert Page(codes).problems() == []
    assert len(set(re.findall(r"<code>(\d{8})</code>", codes.content.decode()))) == 10
    assert not re.findall(r"<code>\d{8}</code>", client.get("/accounts/2fa/codes/").content.decode())  # shown once
    assert is_open(client)
    user = StaffUser.objects.get()
    added = events("factor_added")
    assert [re.search(r'"factor":"(\w+)"', row.payload)[1] for row in added] == ["password", "recovery_codes", "totp"]
    assert {row.actor_ref for row in added} == {f"staff:{user.pk.hex}"}


def test_with_a_link_alone_the_app_can_come_before_the_password(officer: StaffUser) -> None:
    client = Client()
    client.post(link_of(officer))
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", client.get("/accounts/2fa/app/add/").content.decode())[1]
    client.post("/accounts/2fa/app/add/", {"code": code_of(secret)})
    assert where(client.get("/console/")) == SETUP
    client.post("/accounts/password/set/", {"password1": PASSWORD, "password2": PASSWORD})
    assert is_open(client)


def test_a_demonstration_signs_in_at_once(officer: StaffUser, production: SettingsWrapper) -> None:
    production.GOVERNANCE_DEMO = True
    client = Client()
    assert where(client.post(link_of(officer))) == "/console/"
    assert is_open(client)
    enrolled(officer)
    again = Client()
    assert where(again.post(link_of(officer))) == "/console/"
    assert is_open(again)


def test_a_session_opened_by_a_link_of_a_demonstration_is_nothing_in_production(
    officer: StaffUser, production: SettingsWrapper
) -> None:
    production.GOVERNANCE_DEMO = True
    client = Client()
    client.post(link_of(officer))
    production.GOVERNANCE_DEMO = False
    assert where(client.get("/console/")) == SETUP


# --- Sign-in --------------------------------------------------------------------------------------------------------


def test_signing_in_takes_password_and_code(officer: StaffUser) -> None:
    enrolled(officer)
    client = Client()
    form = {"login": officer.email, "password": PASSWORD, "next": "/console/systems/"}
    assert where(client.post(SIGN_IN, form)).startswith(FACTOR)
    assert where(client.get("/console/")).startswith(SIGN_IN)
    assert events("signed_in") == []
    assert Page(client.get(FACTOR)).problems() == []
    wrong = client.post(FACTOR, {"code": "000000"})
    assert wrong.status_code == 200
    assert Page(wrong).problems() == []
    assert where(client.post(FACTOR, {"code": code_of()})) == "/console/systems/"
    assert is_open(client)
    (arrival,), (failure,) = events("signed_in"), events("sign_in_failed")
    assert '"by":["password","totp"]' in arrival.payload
    assert '"step":"second_factor"' in failure.payload
    assert arrival.actor_ref == failure.actor_ref == f"staff:{officer.pk.hex}"


def test_a_code_works_once(officer: StaffUser, clock: time_machine.Traveller) -> None:
    enrolled(officer)
    code = code_of()
    assert where(give_password(officer).post(FACTOR, {"code": code})) == "/console/"
    second = give_password(officer)
    assert second.post(FACTOR, {"code": code}).status_code == 200
    assert not is_open(second)
    clock.shift(30)
    assert where(second.post(FACTOR, {"code": code_of()})) == "/console/"


def test_an_earlier_or_later_code_is_refused(officer: StaffUser, clock: time_machine.Traveller) -> None:
    enrolled(officer)
    client, codes = give_password(officer), []
    for shift in (-30, 60):
        clock.shift(shift)
        codes.append(code_of())
    clock.shift(-30)
    for code in codes:
        assert client.post(FACTOR, {"code": code}).status_code == 200
    assert not is_open(client)


def test_a_recovery_code_works_once_in_place_of_the_app(officer: StaffUser) -> None:
    client = signed_in(officer)
    assert where(client.post("/accounts/2fa/codes/new/")).startswith("/accounts/2fa/reauthenticate/")
    client.post("/accounts/2fa/reauthenticate/", {"code": code_of()})
    assert Page(client.get("/accounts/2fa/codes/new/")).problems() == []
    client.post("/accounts/2fa/codes/new/")
    text = client.get("/accounts/2fa/codes/").content.decode()
    first, second, *_others = re.findall(r"<code>(\d{8})</code>", text)
    stored = everything_stored()
    assert first not in stored
    assert where(give_password(officer).post(FACTOR, {"code": first})) == "/console/"
    again = give_password(officer)
    assert again.post(FACTOR, {"code": first}).status_code == 200
    assert where(again.post(FACTOR, {"code": second})) == "/console/"
    assert is_open(again)
    assert "8 codes are left" in again.get(SETUP).content.decode()
    assert '"by":["password","recovery_codes"]' in events("signed_in")[-1].payload


def test_a_link_takes_the_place_of_the_password_and_never_of_the_factor(officer: StaffUser) -> None:
    enrolled(officer)
    client = Client()
    assert where(client.post(link_of(officer))).startswith(FACTOR)
    assert where(client.get("/console/")).startswith(SIGN_IN)
    client.post(FACTOR, {"code": code_of()})
    assert is_open(client)
    assert '"by":["link","totp"]' in events("signed_in")[-1].payload


def test_a_session_from_before_the_enrolment_shows_the_factor_first(officer: StaffUser) -> None:
    officer.set_password(PASSWORD)
    officer.save()
    early = give_password(officer)
    assert where(early.get("/console/")) == SETUP
    with_password = officer.password
    enrolled(officer)
    officer.password = with_password
    officer.save(update_fields=["password"])  # the same session key as before
    assert where(early.get("/console/")) == "/accounts/2fa/reauthenticate/?next=%2Fconsole%2F"
    for path in ("", "app/remove/", "passkeys/add/", "codes/new/"):
        assert where(early.get(f"{SETUP}{path}")).startswith("/accounts/2fa/reauthenticate/")
        assert where(early.post(f"{SETUP}{path}")).startswith("/accounts/2fa/reauthenticate/")
    assert where(early.post("/accounts/2fa/reauthenticate/", {"code": code_of(), "next": "/console/"})) == "/console/"
    assert is_open(early)


# --- Confirmation ---------------------------------------------------------------------------------------------------


def reveal_url(person: DataSubject) -> str:
    return f"/console/people/{person.pk}/identifiers/{person.identifiers.get(type='email').pk}/"


def test_a_stale_factor_opens_nothing_sealed_until_it_is_shown_again(
    controller: Controller, person: DataSubject, clock: time_machine.Traveller
) -> None:
    officer = staff(controller, Role.PRIVACY_OFFICER)
    client = signed_in(officer)
    page, purpose = f"/console/people/{person.pk}/", {"purpose": "subject_request"}
    clock.shift(600)
    assert "jane.doe@example.org" in client.post(reveal_url(person), purpose).content.decode()
    clock.shift(1)
    assert client.get(page).status_code == 200  # the console stays open
    refused = client.post(reveal_url(person), purpose, headers={"Referer": f"http://testserver{page}"})
    assert where(refused).startswith("/accounts/2fa/reauthenticate/?next=%2Fconsole%2Fpeople%2F")
    assert LedgerEntry.objects.filter(type="subject.revealed").count() == 1
    asked = client.get(where(refused))
    assert Page(asked).problems() == []
    assert purpose["purpose"] not in str(client.session.items())
    assert client.post("/accounts/2fa/reauthenticate/", {"code": "000000", "next": page}).status_code == 200
    assert where(client.post("/accounts/2fa/reauthenticate/", {"code": code_of(), "next": page})) == page
    assert "jane.doe@example.org" in client.post(reveal_url(person), purpose).content.decode()


def test_whoever_may_not_open_it_is_told_so_and_not_asked_for_a_code(
    controller: Controller, person: DataSubject
) -> None:
    auditor = signed_in(staff(controller, Role.AUDITOR), seconds_ago=3600)
    assert auditor.post(reveal_url(person), {"purpose": "subject_request"}).status_code == 403


@pytest.mark.parametrize("referrer", ["https://evil.example/console/", "//evil.example/", "javascript:alert(1)", ""])
def test_confirmation_leads_back_here_and_nowhere_else(
    referrer: str, controller: Controller, person: DataSubject
) -> None:
    client = signed_in(staff(controller, Role.PRIVACY_OFFICER), seconds_ago=3600)
    refused = client.post(reveal_url(person), {"purpose": "subject_request"}, headers={"Referer": referrer})
    assert where(refused) == "/accounts/2fa/reauthenticate/?next=%2Fconsole%2F"


def test_a_password_does_not_confirm_where_there_is_a_factor(officer: StaffUser) -> None:
    client = signed_in(officer, seconds_ago=3600)
    assert where(client.get("/accounts/reauthenticate/")) == "/accounts/2fa/reauthenticate/"
    assert where(client.post("/accounts/reauthenticate/", {"password": PASSWORD})) == "/accounts/2fa/reauthenticate/"
    assert where(client.get("/accounts/2fa/passkeys/add/")).startswith("/accounts/2fa/reauthenticate/")


def test_what_was_typed_is_not_kept_in_the_session(officer: StaffUser) -> None:
    client = signed_in(officer, seconds_ago=3600)
    client.post("/accounts/2fa/app/remove/", {"remark": "typed-by-hand"}, REMOTE_ADDR="192.0.2.7")
    assert Authenticator.objects.exists()
    stored = everything_stored()
    assert "typed-by-hand" not in stored
    assert "192.0.2.7" not in stored


# --- Leaving and losing ---------------------------------------------------------------------------------------------


def test_without_its_last_factor_a_session_is_led_to_enrolment(officer: StaffUser) -> None:
    client, other = signed_in(officer), signed_in(officer)
    client.post("/accounts/2fa/reauthenticate/", {"code": code_of()})
    assert Page(client.get("/accounts/2fa/app/remove/")).problems() == []
    assert where(client.post("/accounts/2fa/app/remove/")) == SETUP
    assert [row.actor_ref for row in events("factor_removed")] == [f"staff:{officer.pk.hex}"]
    assert where(client.get("/console/")) == where(other.get("/console/")) == SETUP


def test_a_change_and_its_ledger_row_come_together(officer: StaffUser, monkeypatch: pytest.MonkeyPatch) -> None:
    from governance import audit

    client = signed_in(officer)
    client.post("/accounts/2fa/reauthenticate/", {"code": code_of()})

    def broken(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(audit, "record", broken)
    with pytest.raises(RuntimeError):
        client.post("/accounts/2fa/app/remove/")
    assert Authenticator.objects.filter(user=officer).exists()


def test_starting_over_ends_sessions_and_forgets_factors(controller: Controller, officer: StaffUser) -> None:
    client, out = signed_in(officer), io.StringIO()
    call_command("create_officer", officer.email, "--start-over", stdout=out)
    assert where(client.get("/console/")).startswith(SIGN_IN)
    assert not Authenticator.objects.exists()
    assert where(give_password(officer).get("/console/")).startswith(SIGN_IN)
    assert [re.search(r'"factor":"(\w+)"', row.payload)[1] for row in events("factor_removed")] == ["totp", "password"]
    again = Client()
    again.post(out.getvalue().strip().splitlines()[-1].removeprefix("http://testserver"))
    assert where(again.get("/console/")) == SETUP
    with pytest.raises(CommandError, match="no active member"):
        call_command("create_officer", "nobody@staff.example", "--start-over")


def test_a_secret_moved_to_somebody_else_opens_nothing(controller: Controller, officer: StaffUser) -> None:
    thief = staff(controller, Role.AUDITOR)
    mine, theirs = enrolled(officer), enrolled(thief)
    mine.data = theirs.data
    mine.save()
    client = give_password(officer)
    with pytest.raises(SealRefused):
        client.post(FACTOR, {"code": code_of()})
    assert not is_open(client)


# --- Guessing -------------------------------------------------------------------------------------------------------


def cached() -> dict[str, object]:
    """Every name and value in the cache of this process."""
    return {name: pickle.loads(value) for name, value in _caches[""].items()}  # noqa: S301  # what Django put there


def test_twenty_wrong_passwords_from_two_addresses_lock_without_keeping_who(
    officer: StaffUser, clock: time_machine.Traveller
) -> None:
    enrolled(officer)
    addresses = ("192.0.2.7", "198.51.100.23")
    for attempt in range(20):
        form = {"login": officer.email, "password": f"wrong {attempt}"}
        assert Client(REMOTE_ADDR=addresses[attempt % 2]).post(SIGN_IN, form).status_code == 200
    client = Client(REMOTE_ADDR="203.0.113.5")
    locked = client.post(SIGN_IN, {"login": officer.email, "password": PASSWORD})
    assert "Too many failed login attempts" in locked.content.decode()
    assert Page(locked).problems() == []
    assert len(cached()) >= 3
    kept = str(cached())
    for trace in (
        officer.email,
        officer.email.split("@")[0],
        officer.pk.hex,
        str(officer.pk),
        *addresses,
        "203.0.113.5",
    ):
        assert trace not in kept
    assert len(events("sign_in_failed")) == 5  # attempts beyond the limit do not fill the ledger
    clock.shift(301)
    assert where(client.post(SIGN_IN, {"login": officer.email, "password": PASSWORD})).startswith(FACTOR)


def test_wrong_codes_lock_too(officer: StaffUser, clock: time_machine.Traveller) -> None:
    enrolled(officer)
    client = give_password(officer)
    for _attempt in range(6):
        client.post(FACTOR, {"code": "000000"})
    locked = client.post(FACTOR, {"code": code_of()})
    assert locked.status_code == 200
    assert not is_open(client)
    assert str(officer.pk) not in str(cached())
    clock.shift(301)
    assert where(client.post(FACTOR, {"code": code_of()})) == "/console/"


def test_a_used_code_stands_in_no_cache(officer: StaffUser) -> None:
    enrolled(officer)
    code = code_of()
    give_password(officer).post(FACTOR, {"code": code})
    assert cached()
    kept = str(cached())
    assert code not in kept
    assert str(officer.pk) not in kept


# --- What a session keeps, and other doors --------------------------------------------------------------------------


def test_the_rest_doors_of_staff_ask_for_the_factor_too(officer: StaffUser) -> None:
    officer.set_password(PASSWORD)
    officer.save()
    path = "/v1/requests/00000000-0000-0000-0000-000000000000"
    assert give_password(officer).get(path).status_code == 401
    assert signed_in(officer).get(path).status_code == 404


def test_a_forged_note_about_a_factor_that_is_not_held_counts_for_nothing(officer: StaffUser) -> None:
    client = signed_in(officer)
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "mfa", "id": 0, "type": "totp", "at": time.time()}]
    session.save()
    assert where(client.get("/console/")).startswith("/accounts/2fa/reauthenticate/")


@pytest.mark.parametrize(
    "path", ["", "app/add/", "app/remove/", "codes/", "codes/new/", "passkeys/", "passkeys/add/", "passkeys/confirm/",
             "reauthenticate/"],
)  # fmt: skip
def test_strangers_have_no_factors_to_look_at(path: str, db: None) -> None:
    assert where(Client().get(f"{SETUP}{path}")).startswith(SIGN_IN)
    assert where(Client().post(f"{SETUP}{path}")).startswith(SIGN_IN)


def test_the_second_step_is_closed_without_the_first(officer: StaffUser) -> None:
    enrolled(officer)
    assert where(Client().get(FACTOR)).startswith(SIGN_IN)
    assert where(Client().post(FACTOR, {"code": code_of()})).startswith(SIGN_IN)
