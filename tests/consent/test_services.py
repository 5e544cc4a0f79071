"""Recording: event, projection, ledger and outbox are one; late news, equal moments, objections, erasure."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from consent import selectors, services, sockets
from consent.errors import EventFromTheFuture, IllegalTransition
from consent.models import ConsentEvent, ConsentState, NoticeRevision
from governance import subjects, vault
from governance.catalogue import purposes
from governance.errors import BadInput, Conflict, Erased
from governance.models import DataSubject, LedgerEntry, OutboxEvent, Purpose
from governance.policy.principal import Principal, data_subject, operator
from governance.policy.vocabulary import RevealPurpose, Role

if TYPE_CHECKING:
    from tests.consent.conftest import House

MINUTE = timedelta(minutes=1)


@pytest.fixture
def principal(house: House) -> Principal:
    return operator(house.controller.pk.hex)


@pytest.fixture
def choose(house: House, jane: DataSubject, principal: Principal) -> Any:
    def record(state: str, **more: Any) -> services.Recorded:
        values = {"purpose": house.newsletter, "method": "web_form", "notice_revision": house.notice} | more
        return services.record(jane, principal=principal, state=state, **values)

    return record


def standing(jane: DataSubject, channel: str = "") -> tuple[str, bool]:
    row = ConsentState.objects.get(subject=jane, channel=channel)
    return row.state, row.objected_at is not None


def test_one_choice_writes_event_projection_ledger_and_outbox(choose: Any, jane: DataSubject) -> None:
    before = LedgerEntry.objects.count()
    event = choose("given", channel="email", collection_point="shop/sign-up").event
    row = ConsentState.objects.get()
    assert (row.state, row.event_id, row.notice_version) == ("given", event.pk, 1)
    assert row.expires_at == event.occurred_at + timedelta(days=365)
    entry = LedgerEntry.objects.order_by("recorded_at").last()
    assert LedgerEntry.objects.count() == before + 1
    payload = json.loads(entry.payload)
    assert (payload["type"], payload["purpose"], payload["decision"]) == ("consent.recorded", "newsletter", "given")
    assert jane.pk.hex not in entry.payload.replace("-", "")
    told = OutboxEvent.objects.get()
    assert (told.type, told.subject_id, told.payload["effective"]) == ("consent.recorded", jane.pk, True)


def test_when_one_part_fails_nothing_is_written(choose: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: Any, **_kwargs: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("governance.outbox.append", fail)
    before = LedgerEntry.objects.count()
    with pytest.raises(RuntimeError):
        choose("given")
    assert not ConsentEvent.objects.exists()
    assert not ConsentState.objects.exists()
    assert LedgerEntry.objects.count() == before


def test_an_older_event_is_kept_and_changes_nothing(choose: Any, jane: DataSubject) -> None:
    now = timezone.now()
    choose("given", occurred_at=now - 20 * MINUTE)
    late = choose("refused", occurred_at=now - 40 * MINUTE)
    assert not late.is_effective
    assert standing(jane) == ("given", False)
    assert ConsentEvent.objects.count() == 2
    assert not OutboxEvent.objects.order_by("-pk").first().payload["effective"]


def test_a_withdrawal_from_a_clock_that_runs_behind_counts(choose: Any, jane: DataSubject) -> None:
    choose("given")
    assert choose("withdrawn", occurred_at=timezone.now() - 4 * MINUTE).is_effective
    assert standing(jane) == ("withdrawn", False)


def test_a_consent_from_a_clock_that_runs_ahead_never_outlives_a_withdrawal(choose: Any, jane: DataSubject) -> None:
    choose("given", occurred_at=timezone.now() + 4 * MINUTE)
    choose("withdrawn")
    assert standing(jane) == ("withdrawn", False)


def test_an_event_from_the_future_is_refused(choose: Any) -> None:
    with pytest.raises(EventFromTheFuture) as refused:
        choose("given", occurred_at=timezone.now() + 6 * MINUTE)
    assert refused.value.errors[0].pointer == "/occurred_at"
    assert not ConsentEvent.objects.exists()


def test_at_the_same_moment_the_stricter_counts_in_either_order(choose: Any, jane: DataSubject) -> None:
    moment = timezone.now() - MINUTE
    choose("given", occurred_at=moment)
    choose("withdrawn", occurred_at=moment)
    choose("given", occurred_at=moment)
    assert standing(jane) == ("withdrawn", False)


def test_withdrawing_twice_is_no_error(choose: Any, jane: DataSubject) -> None:
    for _turn in range(2):
        assert choose("withdrawn").is_effective
    assert standing(jane) == ("withdrawn", False)


def test_an_objection_stays_on_the_line_below_later_events(choose: Any, jane: DataSubject, house: House) -> None:
    now = timezone.now()
    choose("objected", purpose=house.offers, occurred_at=now - 9 * MINUTE)
    choose("requested", purpose=house.offers, occurred_at=now - 8 * MINUTE)
    assert standing(jane) == ("requested", True)
    choose("given", purpose=house.offers, occurred_at=now - 7 * MINUTE)
    assert standing(jane) == ("given", True)


def test_a_late_objection_is_remembered_below_a_newer_consent(choose: Any, jane: DataSubject) -> None:
    now = timezone.now()
    choose("given", occurred_at=now - 10 * MINUTE)
    assert not choose("objected", occurred_at=now - 60 * MINUTE).is_effective
    assert standing(jane) == ("given", True)


def test_a_no_without_consent_to_take_back_is_an_objection(choose: Any, jane: DataSubject, house: House) -> None:
    choose("withdrawn", purpose=house.offers)
    assert standing(jane) == ("withdrawn", True)


@pytest.mark.parametrize(
    ("first", "second"), [("given", "requested"), ("refused", "expired"), ("withdrawn", "revoked")]
)
def test_what_cannot_follow_is_refused(choose: Any, first: str, second: str) -> None:
    choose(first)
    with pytest.raises(IllegalTransition):
        choose(second)
    assert ConsentEvent.objects.count() == 1


def test_a_consent_that_has_ended_may_be_asked_for_again(choose: Any, jane: DataSubject) -> None:
    choose("given", occurred_at=timezone.now() - timedelta(days=366))
    choose("requested")
    assert standing(jane) == ("requested", False)


def test_channels_are_those_of_the_purpose(choose: Any, jane: DataSubject) -> None:
    with pytest.raises(BadInput) as refused:
        choose("given", channel="pigeon")
    assert refused.value.errors[0].pointer == "/channel"
    choose("given", channel="sms")
    assert standing(jane, "sms") == ("given", False)


def test_a_retired_purpose_takes_a_no_and_no_yes(choose: Any, house: House, principal: Principal) -> None:
    choose("given")
    retired = purposes.retire(house.newsletter, principal=principal)
    with pytest.raises(Conflict):
        choose("given", purpose=retired)
    assert choose("withdrawn", purpose=retired).is_effective


def test_an_erased_person_takes_no_event(choose: Any, jane: DataSubject, principal: Principal) -> None:
    evidence = {"form": "jane@example.org"}
    event = choose("given", evidence=evidence).event
    assert (
        vault.reveal(
            ConsentEvent.objects.get().evidence,
            principal=Principal("staff", uuid.uuid4().hex, frozenset({Role.PRIVACY_OFFICER}), principal.controllers),
            purpose=RevealPurpose.LEGAL_CLAIM,
        )
        == evidence
    )
    with transaction.atomic():
        subjects.erase(jane, principal=principal)
    assert not ConsentState.objects.exists()
    kept = ConsentEvent.objects.get(pk=event.pk)
    with pytest.raises(Erased):
        vault.reveal(
            kept.evidence,
            principal=Principal("staff", uuid.uuid4().hex, frozenset({Role.PRIVACY_OFFICER}), principal.controllers),
            purpose=RevealPurpose.LEGAL_CLAIM,
        )
    with pytest.raises(Erased):
        choose("given")


def test_events_and_published_texts_are_never_changed(choose: Any, house: House) -> None:
    choose("given")
    for change in (
        lambda: ConsentEvent.objects.all().recorded().update(state="refused"),
        lambda: ConsentEvent.objects.recorded()._raw_delete("default"),  # noqa: SLF001  # past Django's own refusal
        lambda: NoticeRevision.objects.all().recorded().update(text="We never said that."),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    assert ConsentEvent.objects.get().state == "given"
    assert NoticeRevision.objects.get().text == "What we do."


# --- Everything at once -----------------------------------------------------------------------------------------------


def test_withdrawing_everything_ends_what_can_end(choose: Any, jane: DataSubject, house: House) -> None:
    choose("given", channel="email")
    principal = data_subject(jane.pk.hex, house.controller.pk.hex)
    recorded = services.withdraw_all(jane, method="preference_centre", principal=principal)
    assert {(each.event.purpose.key, each.event.state, each.event.channel) for each in recorded} == {
        ("newsletter", "withdrawn", ""),
        ("offers", "objected", ""),
    }
    facts = [row.state for row in selectors.states_of(jane.pk)]
    assert sorted(facts) == ["given", "objected", "withdrawn"]
    assert len(services.withdraw_all(jane, method="preference_centre", principal=principal)) == 2


def test_registering_and_recording_is_all_or_nothing(house: House, principal: Principal) -> None:
    choice = services.Choice(purpose=house.newsletter, state="withdrawn", method="one_click")
    beyond = services.Choice(purpose=house.newsletter, state="given", method="api", channel="pigeon")
    with pytest.raises(BadInput):
        services.record_for(house.controller, [("email", "new@example.org")], [choice, beyond], principal=principal)
    assert not DataSubject.objects.exists()
    services.record_for(house.controller, [("email", "new@example.org")], [choice], principal=principal)
    assert standing(DataSubject.objects.get()) == ("withdrawn", False)


# --- Notices ----------------------------------------------------------------------------------------------------------


def test_notices_grow_by_versions_and_languages(house: House, principal: Principal) -> None:
    def publish(text: str, language: str = "en", **more: Any) -> NoticeRevision:
        values = {"key": "privacy", "title": "Privacy", "principal": principal}
        return services.publish(house.controller, text=text, language=language, **values, **more)

    assert publish("What we do.") == house.notice
    assert publish("Was wir tun.", "de", translation_of=1).version == 1
    assert publish("New.").version == 2
    assert publish("Newer.", material=True).notice.material_version == 3
    with pytest.raises(Conflict):
        publish("Anders.", "de", translation_of=1)
    with pytest.raises(BadInput):
        publish("Anders.", "de", translation_of=9)
    assert LedgerEntry.objects.filter(type="notice.published").count() == 4
    assert selectors.revision_of(house.controller.pk, "privacy", 1, "de").text == "Was wir tun."
    assert selectors.current_revision(house.controller.pk, "privacy").version == 3


# --- Sockets ----------------------------------------------------------------------------------------------------------


def test_the_export_holds_the_whole_history(choose: Any, jane: DataSubject) -> None:
    choose("given", channel="email")
    choose("withdrawn", channel="email")
    held = sockets.export(jane.pk)
    assert [row["state"] for row in held["current"]] == ["withdrawn"]
    assert [row["state"] for row in held["history"]] == ["withdrawn", "given"]
    assert json.dumps(held)


def test_the_panel_counts_for_those_who_may_read(choose: Any, house: House) -> None:
    choose("given")
    choose("withdrawn")
    officer = Principal("staff", "1", frozenset({Role.PRIVACY_OFFICER}), frozenset({house.controller.pk.hex}))
    assert sockets.panel(officer, timezone.now()).chart.lines == [("Newsletter", [1, 1])]
    elsewhere = Principal("staff", "1", frozenset({Role.PRIVACY_OFFICER}), frozenset({uuid.uuid4().hex}))
    assert not sockets.panel(elsewhere, timezone.now()).chart.lines
    auditor = Principal("staff", "1", frozenset({Role.AUDITOR}), frozenset({house.controller.pk.hex}))
    assert sockets.panel(auditor, timezone.now()).chart is None


def test_a_purpose_names_what_a_no_means(house: House) -> None:
    assert services.no_for(house.newsletter) == "withdrawn"
    assert services.no_for(house.offers) == "objected"
    assert not services.can_stop(house.delivery)
    assert services.can_stop(Purpose(lawful_basis="contract", direct_marketing=True))


def test_a_pending_opt_in_is_confirmed_by_its_link_or_by_the_person_alone(
    choose: Any, jane: DataSubject, house: House, principal: Principal
) -> None:
    choose("pending_confirmation", method="double_opt_in")
    for method in ("web_form", "api", "phone", "import", "preference_centre"):  # a service may claim any of them
        with pytest.raises(IllegalTransition):
            choose("given", method=method)
    assert standing(jane)[0] == "pending_confirmation"
    choose("given", method="double_opt_in")
    assert standing(jane)[0] == "given"
    choose("pending_confirmation", channel="email", method="double_opt_in")
    herself = data_subject(jane.pk.hex, house.controller.pk.hex)
    services.record(
        jane,
        principal=herself,
        purpose=house.newsletter,
        channel="email",
        state="given",
        method="preference_centre",
        notice_revision=house.notice,
    )
    assert standing(jane, "email")[0] == "given"
