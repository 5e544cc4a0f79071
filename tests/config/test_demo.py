"""The demonstration company: the same for a seed, whole after seeding, never twice, never beside real people."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.demo import backlog, company, crm, filling, helpdesk, mailing, requests, stores
from config.demo.people import person
from consent.models import ConsentEvent, ConsentState, Contact
from dsar.lifecycle import OPEN, Status
from dsar.models import SubjectRequest
from governance import subjects
from governance.access import service_keys
from governance.audit.verify import verify
from governance.catalogue import datasets
from governance.models import Controller, DataSubject, LedgerEntry, LedgerPending, ServiceAccount, StaffUser, SystemStep
from governance.policy.principal import operator, worker
from governance.policy.vocabulary import STAFF_ROLES, Role

if TYPE_CHECKING:
    from pathlib import Path

ADA = [("email", "ada.marlow@example.org")]
DAY = date(2026, 11, 2)
STORES = (crm.STORE, helpdesk.STORE, mailing.STORE)


@pytest.fixture
def var(settings: Any, tmp_path: Path) -> Path:
    settings.VAR_DIR = tmp_path
    return tmp_path


@pytest.fixture
def no_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "STORIES", ())


def seed(people: int = company.FEWEST, number: int = company.SEED) -> None:
    call_command("seed_demo", people=people, seed=number, verbosity=0)


def rows(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as opened:
        return sorted(opened.iterdump())


# --- The people and their systems, without a database of ours -------------------------------------------------------


def test_people_are_the_same_for_the_same_seed_and_number() -> None:
    first, again, other = ([person(seed_, number) for number in range(1, 400)] for seed_ in (1, 1, 2))
    assert first == again
    assert [each.name for each in first[:12]] == [each.name for each in other[:12]]
    assert sum(one.name != two.name for one, two in zip(first[12:], other[12:], strict=True)) > 350


def test_nobody_can_be_reached_and_nobody_is_taken_for_another() -> None:
    everybody = [person(1, number) for number in range(1, 6001)]
    emails = [each.email for each in everybody]
    phones = [each.phone for each in everybody if each.phone]
    assert len(set(emails)) == len(emails)
    assert all(each.rpartition("@")[2] in {"example.org", "example.net", "example.com"} for each in emails)
    assert len(set(phones)) == len(phones)
    blocks = ("+493023125", "+496990009", "+494066969", "+492214710", "+498999998")
    assert all(each.startswith(blocks) and len(each) == 13 for each in phones)


@pytest.mark.parametrize("store", STORES, ids=lambda store: store.key)
def test_a_system_holds_the_same_however_it_grew(store: stores.Store, tmp_path: Path) -> None:
    everybody = [person(5, number) for number in range(1, 201)]
    stores.grow(store, tmp_path / "once", 5, DAY, everybody)
    for start in range(0, 200, 40):
        stores.grow(store, tmp_path / "slowly", 5, DAY, everybody[start : start + 40])
    stores.grow(store, tmp_path / "other", 6, DAY, [person(6, number) for number in range(1, 201)])
    assert rows(tmp_path / "once") == rows(tmp_path / "slowly")
    assert rows(tmp_path / "once") != rows(tmp_path / "other")
    assert stores.size(tmp_path / "slowly") == 200
    with pytest.raises(stores.OtherSeed):
        stores.grow(store, tmp_path / "once", 6, DAY, [person(6, 201)])


def test_the_systems_are_as_untidy_as_real_ones(tmp_path: Path) -> None:
    everybody = [person(5, number) for number in range(1, 301)]
    for store in STORES:
        stores.grow(store, tmp_path / store.key, 5, DAY, everybody)

    def count(store: stores.Store, sql: str) -> int:
        with closing(sqlite3.connect(tmp_path / store.key)) as opened:
            return int(opened.execute(f"SELECT count(*) FROM {sql}").fetchone()[0])

    # Shared by two people
    assert count(crm.STORE, "(SELECT 1 FROM customer GROUP BY address_id HAVING count(*) > 1)") > 50
    assert count(helpdesk.STORE, "message WHERE requester_id <> behalf_of") > 10
    assert count(helpdesk.STORE, "watcher") > 10
    assert count(mailing.STORE, "friend_mail WHERE from_recipient <> to_recipient") > 10
    # Pointing at their own table
    for store, sql in (
        (crm.STORE, "customer WHERE referred_by IS NOT NULL"),
        (helpdesk.STORE, "requester WHERE same_as IS NOT NULL"),
        (helpdesk.STORE, "message WHERE answers IS NOT NULL"),
        (mailing.STORE, "campaign WHERE follows IS NOT NULL"),
    ):
        assert count(store, sql) > 0, sql
    # Orphans
    assert count(crm.STORE, "purchase WHERE customer_id IS NULL") > 0
    assert count(helpdesk.STORE, "message WHERE ticket_id NOT IN (SELECT ticket_id FROM ticket)") > 0
    assert count(mailing.STORE, "send WHERE email NOT IN (SELECT email FROM recipient)") > 0


# --- Seeding --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_everything_is_there_and_holds(var: Path) -> None:
    """One full run, looked at from every side: it is the slowest test of this file."""
    seed()
    controller = Controller.objects.get(slug=company.SLUG)
    report = verify()
    assert (report.problems, report.pending) == ((), 0)
    assert DataSubject.objects.filter(controller=controller).count() == company.FEWEST
    assert datasets.problems(controller) == []
    assert len(datasets.data_map(controller).datasets) == 3
    _requests_rest_everywhere(controller)
    _the_staff_is_complete(controller)
    _decisions_are_made(controller)
    _people_open_and_only_through_the_vault(controller)


def _requests_rest_everywhere(controller: Controller) -> None:
    kept = SubjectRequest.objects.filter(controller=controller)
    assert set(kept.values_list("status", flat=True)) == {each.value for each in Status}
    assert kept.filter(paused_at__isnull=False, status="awaiting_approval").count() == 1
    held = kept.get(held_until__gt=timezone.localdate())
    assert (held.status, held.packages.exists()) == ("executing", True)
    open_ones = kept.filter(status__in=OPEN)
    assert open_ones.filter(due_at__lt=timezone.now()).count() >= 2
    assert open_ones.filter(due_at__gt=timezone.now()).count() >= 5
    assert kept.filter(rights__extended_until__isnull=False).exists()
    assert set(kept.values_list("regime", flat=True)) == {"GDPR", "UK_GDPR", "CCPA"}
    assert not SystemStep.objects.filter(state="failed").exists()
    assert DataSubject.objects.filter(status="erased").count() == 2
    assert DataSubject.objects.filter(status="restricted").count() == 2


def _the_staff_is_complete(controller: Controller) -> None:
    roles = set(StaffUser.objects.values_list("groups__name", flat=True))
    assert roles == {role.value for role in STAFF_ROLES}
    assert not any(user.has_usable_password() for user in StaffUser.objects.all())
    scopes = {tuple(each.purposes) for each in ServiceAccount.objects.filter(controller=controller)}
    assert len(scopes) >= 3


def _decisions_are_made(controller: Controller) -> None:
    principal = operator(controller.pk.hex)
    account = service_keys.create_account(controller, "tester", [Role.CHECKER], ["*"], principal=principal)
    headers = {"Authorization": f"Bearer {service_keys.issue(account, principal=principal)}"}

    def check(number: int, purpose: str) -> str:
        body = {"subject": {"type": "email", "value": person(company.SEED, number).email}, "purpose": purpose}
        answer = Client().post("/v1/consent/check", body, content_type="application/json", headers=headers)
        return str(answer.json()["decision"])

    assert [check(number, "newsletter") for number in (1, 2, 3)] == ["allow", "allow", "deny"]
    assert check(50, "newsletter") == "deny"  # restricted
    assert check(1, "delivery") == "allow"


def _people_open_and_only_through_the_vault(controller: Controller) -> None:
    ada = subjects.find(controller, ADA)
    assert ada is not None
    opened = subjects.identifiers_of(ada, principal=worker(controller.pk.hex), purpose="subject_request")
    assert ("email", "ada.marlow@example.org") in opened
    for model in apps.get_models():
        for row in model.objects.values_list().iterator():
            text = b" ".join(each if isinstance(each, bytes) else str(each).encode() for each in row).lower()
            assert b"marlow" not in text, model
            assert b"@example." not in text, model
            assert b"+493023125" not in text, model


@pytest.mark.django_db
@pytest.mark.usefixtures("no_requests")
def test_two_years_of_choices_end_in_every_way(var: Path) -> None:
    seed(400)
    events = ConsentEvent.objects.all()
    assert (timezone.now() - events.earliest("occurred_at").occurred_at).days > 700
    assert not events.filter(occurred_at__gt=timezone.now()).exists()
    states = set(ConsentState.objects.values_list("state", flat=True))
    assert states >= {
        "given", "refused", "withdrawn", "revoked", "invalidated", "objected", "pending_confirmation",
    }  # fmt: skip
    assert ConsentState.objects.filter(state="given", expires_at__lt=timezone.now()).count() > 10  # run out
    per_person = [events.filter(subject=each).count() for each in DataSubject.objects.all()[:50]]
    assert max(per_person) >= 5


@pytest.mark.django_db
@pytest.mark.usefixtures("no_requests")
def test_two_years_of_letters_follow_the_choices(var: Path) -> None:
    seed(400)
    letters = Contact.objects.filter(purpose__key="newsletter")
    assert letters.count() > 400
    assert (timezone.now() - letters.earliest("sent_at").sent_at).days > 600
    assert not Contact.objects.filter(sent_at__gt=timezone.now()).exists()
    for letter in letters.select_related("subject")[:200]:
        events = ConsentEvent.objects.filter(
            subject=letter.subject, purpose__key="newsletter", channel="", occurred_at__lte=letter.sent_at
        )
        assert events.latest("occurred_at").state == "given"


@pytest.mark.django_db
@pytest.mark.usefixtures("no_requests")
def test_a_large_company_has_many_requests_in_few_statements(var: Path) -> None:
    seed(120)
    controller, principal = Controller.objects.get(), operator(Controller.objects.get().pk.hex)
    before = SubjectRequest.objects.count()

    def cost(count: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            backlog.fill(controller, company.SEED, 120, count, principal, lambda _made: None)
        return len(queries)

    few, again, many = cost(100), cost(100), cost(500)
    assert again <= 2
    assert many == pytest.approx(few, abs=6)
    kept = SubjectRequest.objects.all()
    assert kept.count() == max(before, 500)
    assert set(kept.values_list("status", flat=True)) == {
        "closed", "refused", "withdrawn", "lapsed", "verifying", "planning",
    }  # fmt: skip
    assert kept.filter(status="planning", due_at__lt=timezone.now()).exists()
    assert set(kept.values_list("brand__slug", flat=True)) == {"larkspur", "fernway"}
    assert not kept.filter(purged_at__isnull=False, contact__isnull=False).exists()
    assert LedgerEntry.objects.filter(type="request.received").count() == 500
    assert verify().problems == ()


@pytest.mark.django_db
@pytest.mark.usefixtures("no_requests")
def test_seeding_again_changes_nothing_and_costs_nothing(var: Path) -> None:
    seed()
    before = {store.key: rows(var / "demo" / f"{store.dataset}.sqlite3") for store in STORES}
    entries = LedgerEntry.objects.count()
    with CaptureQueriesContext(connection) as queries:
        seed()
    assert len(queries) <= 2
    assert LedgerEntry.objects.count() == entries
    assert {store.key: rows(var / "demo" / f"{store.dataset}.sqlite3") for store in STORES} == before


@pytest.mark.django_db
@pytest.mark.usefixtures("no_requests")
def test_more_people_come_and_who_was_erased_does_not(var: Path) -> None:
    seed()
    controller = Controller.objects.get(slug=company.SLUG)
    gone = subjects.find(controller, ADA)
    assert gone is not None
    subjects.erase(gone, principal=operator(controller.pk.hex))
    with closing(sqlite3.connect(var / "demo" / "crm.sqlite3")) as shop, shop:
        shop.execute("UPDATE customer SET name = 'erased' WHERE customer_id = 1")
    seed(85)
    assert DataSubject.objects.count() == 85
    assert subjects.find(controller, ADA) is None
    assert subjects.find(controller, [("customer_id", "85")]) is not None
    assert "'erased'" in "".join(rows(var / "demo" / "crm.sqlite3"))
    assert not LedgerPending.objects.exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("no_requests")
def test_an_interrupted_seeding_is_finished_by_the_next(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(company, "_CHUNK", 20)

    def interrupt(what: str, done: int, _of: int) -> None:
        if what.startswith("People") and done == 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        company.seed(company.Order(people=60, progress=interrupt))
    assert DataSubject.objects.count() == 40
    seed()
    assert DataSubject.objects.count() == 60
    assert ConsentEvent.objects.filter(subject=subjects.find(Controller.objects.get(), ADA)).count() == 2


@pytest.mark.django_db
@pytest.mark.usefixtures("no_requests")
def test_a_second_process_fills_the_same_files(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filling.fill(var / "alone", company.SEED, company.FEWEST, timezone.now().date())
    monkeypatch.setattr(filling, "LARGE", 10)
    seed()
    for store in STORES:
        assert rows(filling.path_of(var / "demo", store)) == rows(filling.path_of(var / "alone", store))
    with pytest.raises(CommandError, match="--seed"):
        seed(85, number=7)
    assert DataSubject.objects.count() == company.FEWEST


@pytest.mark.django_db
def test_made_up_people_are_refused_where_they_do_not_belong(var: Path, settings: Any) -> None:
    settings.GOVERNANCE_DEMO = False
    with pytest.raises(CommandError, match="GOVERNANCE_DEMO"):
        seed()
    assert not Controller.objects.exists()
    settings.GOVERNANCE_DEMO = True
    real = Controller.objects.create(slug="real", name="Real", is_default=True)
    subjects.register(real, [("email", "somebody@example.org")], principal=operator(real.pk.hex))
    with pytest.raises(CommandError, match="Another company"):
        seed()
    assert DataSubject.objects.count() == 1
    assert not (var / "demo").exists()


@pytest.mark.parametrize("options", [{"people": 3}, {"number": -1}, {"number": 2**31}])
def test_impossible_orders_say_what_is_possible(options: dict[str, int]) -> None:
    with pytest.raises(CommandError, match="60 people or more"):
        seed(**options)


@pytest.mark.django_db
@pytest.mark.usefixtures("no_requests")
def test_people_of_two_seeds_are_not_mixed(var: Path) -> None:
    seed()
    with pytest.raises(CommandError, match="--seed 1815"):
        seed(90, number=4)
    assert DataSubject.objects.count() == 60


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.django_db
@pytest.mark.usefixtures("no_requests")
def test_a_bar_is_drawn_on_a_terminal_and_nowhere_else(var: Path) -> None:
    terminal, file = Terminal(), io.StringIO()
    call_command("seed_demo", people=60, stderr=terminal, stdout=io.StringIO())
    call_command("seed_demo", people=70, stderr=file, stdout=io.StringIO())
    assert f"\rPeople and their choices  [{'#' * 30}] 60/60\n" in terminal.getvalue()
    assert file.getvalue() == ""
