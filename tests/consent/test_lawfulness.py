"""The stage by the numbers of its specification (D01…), and the algebra: a no never opens, order never matters."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import lawfulness
from consent.lawfulness import ConsentFact
from consent.lifecycle import DENIALS, State
from governance.policy.decide import (
    Decision,
    Facts,
    MessageClass,
    Operation,
    Outcome,
    PurposeRule,
    Question,
    SubjectFacts,
    decide,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PURPOSE = PurposeRule(
    id=uuid.UUID(int=1),
    key="newsletter",
    lawful_basis="consent",
    version=1,
    channels=("email", "sms"),
    data_categories=("user.contact", "user.behavior.browsing_history"),
)
PERSON = SubjectFacts(uuid.UUID(int=2), "active")
ASK = Question("email", "a@example.org", "newsletter")


def fact(state: str = "given", at: datetime = NOW - 10 * DAY, channel: str = "", **more: Any) -> ConsentFact:
    values = {"method": "web_form", "notice_version": 1, "material_version": 1, "event_id": uuid.uuid4()} | more
    return ConsentFact(PURPOSE.id, channel, state, at, **values)


def ask(*facts: ConsentFact, question: Question = ASK, instant: datetime = NOW, **more: Any) -> Decision:
    values: dict[str, Any] = {"principal_may": True, "purpose": PURPOSE, "subject": PERSON, "ruleset": 7} | more
    return decide(question, Facts(lawfulness=facts, **values), instant, lawfulness.decide)


def on(channel: str, **more: Any) -> Question:
    return replace(ASK, channel=channel, **more)


def purpose(**more: Any) -> PurposeRule:
    return replace(PURPOSE, **more)


def reasons(decision: Decision) -> tuple[str, tuple[str, ...]]:
    return decision.outcome.value, decision.reasons


# --- By number --------------------------------------------------------------------------------------------------------


def test_d01_a_retired_or_unknown_purpose() -> None:
    assert reasons(ask(fact(), purpose=None)) == ("deny", ("PURPOSE_UNKNOWN",))
    assert reasons(ask(fact(), purpose=purpose(retired=True))) == ("deny", ("PURPOSE_UNKNOWN",))


def test_d02_a_client_outside_its_scope() -> None:
    assert reasons(ask(fact(), principal_may=False)) == ("deny", ("CLIENT_NOT_AUTHORISED",))


def test_d03_an_unknown_person_looks_like_a_refusal() -> None:
    unknown, refused = ask(subject=None), ask(fact("refused"))
    assert reasons(unknown) == ("deny", ("NO_RECORD",))
    assert reasons(ask()) == ("deny", ("NO_RECORD",))
    assert unknown == ask()
    assert (unknown.nearest_miss is None) is (refused.nearest_miss is None) is False
    assert unknown.basis is refused.basis is None


def test_d06_an_erased_person() -> None:
    assert reasons(ask(fact(), subject=SubjectFacts(PERSON.id, "erased"))) == ("deny", ("SUBJECT_ERASED",))


def test_d07_under_restriction_only_a_newer_consent_carries_a_use() -> None:
    held = SubjectFacts(PERSON.id, "restricted", NOW - 5 * DAY)
    interest = purpose(lawful_basis="legitimate_interest")
    assert reasons(ask(fact(), subject=held)) == ("deny", ("RESTRICTED",))
    assert ask(fact(at=NOW - DAY), subject=held).allowed
    assert reasons(ask(subject=held, purpose=interest)) == ("deny", ("RESTRICTED",))
    assert ask(fact(), subject=held, question=replace(ASK, operation=Operation.STORE)).allowed
    # A newer yes on another channel does not carry this one.
    other = fact(at=NOW - DAY, channel="sms")
    assert reasons(ask(fact(), other, subject=held, question=on("email"))) == ("deny", ("RESTRICTED",))


@pytest.mark.parametrize("basis", ["consent", "legitimate_interest", "contract", "public_task"])
def test_d09_an_objection_to_direct_marketing_stops_any_basis(basis: str) -> None:
    marketing = purpose(lawful_basis=basis, direct_marketing=True)
    assert reasons(ask(fact("objected"), purpose=marketing)) == ("deny", ("OBJECTION_DM",))
    profile = replace(ASK, operation=Operation.PROFILE)
    assert reasons(ask(fact("objected"), purpose=marketing, question=profile)) == ("deny", ("OBJECTION_DM",))


@pytest.mark.parametrize("basis", ["consent", "legitimate_interest"])
def test_d10_a_consent_newer_than_the_objection(basis: str) -> None:
    marketing = purpose(lawful_basis=basis, direct_marketing=True)
    renewed = fact(at=NOW - DAY, objected_at=NOW - 2 * DAY)
    decision = ask(renewed, purpose=marketing)
    assert reasons(decision) == ("allow", ("CONSENT_AFTER_OBJECTION",))
    assert decision.basis == "consent"
    # When that consent ends, the objection is back.
    lapsed = replace(renewed, expires_at=NOW)
    assert not ask(lapsed, purpose=marketing).allowed


def test_d11_an_objection_newer_than_the_consent() -> None:
    marketing = purpose(direct_marketing=True)
    facts = fact(at=NOW - 2 * DAY), fact("objected", NOW - DAY, "email")
    assert reasons(ask(*facts, purpose=marketing, question=on("email"))) == ("deny", ("OBJECTION_DM",))
    asked_again = fact("requested", NOW - DAY, objected_at=NOW - 2 * DAY)
    assert reasons(ask(asked_again, purpose=marketing)) == ("deny", ("OBJECTION_DM",))
    same_moment = fact(at=NOW - DAY, objected_at=NOW - DAY)
    assert reasons(ask(same_moment, purpose=marketing)) == ("deny", ("OBJECTION_DM",))


@pytest.mark.parametrize("state", ["objected", "withdrawn", "refused", "revoked"])
@pytest.mark.parametrize("basis", ["legitimate_interest", "public_task"])
def test_d12_an_objection_to_another_basis(basis: str, state: str) -> None:
    assert reasons(ask(fact(state), purpose=purpose(lawful_basis=basis))) == ("deny", ("OBJECTION_PENDING",))


def test_d16_a_consent_that_holds() -> None:
    until = NOW + DAY
    given_ = fact(expires_at=until)
    decision = ask(given_)
    assert reasons(decision) == ("allow", ("CONSENT_GIVEN",))
    assert decision.basis == "consent"
    assert decision.evidence == (str(given_.event_id),)
    assert decision.valid_until == until
    assert decision.ruleset == 7


@pytest.mark.parametrize("state", ["requested", "pending_confirmation"])
def test_d17_a_consent_that_was_asked_for(state: str) -> None:
    assert reasons(ask(fact(state))) == ("deny", ("CONSENT_PENDING",))


@pytest.mark.parametrize("state", ["refused", "withdrawn", "revoked", "invalidated"])
def test_d20_a_no(state: str) -> None:
    no = fact(state)
    assert reasons(ask(no)) == ("deny", (f"CONSENT_{state.upper()}",))
    assert ask(no).evidence == (str(no.event_id),)


@pytest.mark.parametrize(("seconds", "outcome"), [(1, "allow"), (0, "deny"), (-1, "deny")])
def test_d22_the_end_of_validity_is_exclusive(seconds: int, outcome: str) -> None:
    decision = ask(fact(expires_at=NOW + timedelta(seconds=seconds)))
    assert decision.outcome == outcome
    if outcome == "deny":
        assert reasons(decision) == ("deny", ("CONSENT_EXPIRED",))
        assert decision.obligations == ("MAY_REASK",)


def test_d23_expiry_needs_no_job() -> None:
    given_ = fact(expires_at=NOW)
    assert ask(given_, instant=NOW - DAY).allowed
    assert not ask(given_, instant=NOW + 365 * DAY).allowed
    assert reasons(ask(fact("expired"))) == ("deny", ("CONSENT_EXPIRED",))


def test_d24_d25_a_notice_that_changed() -> None:
    assert reasons(ask(fact(notice_version=2, material_version=3))) == ("deny", ("POLICY_VERSION_STALE",))
    assert ask(fact(notice_version=2, material_version=3)).obligations == ("MAY_REASK",)
    assert reasons(ask(fact(notice_version=2, material_version=2))) == ("allow", ("CONSENT_GIVEN",))


@pytest.mark.parametrize("lacking", [{"notice_version": None, "material_version": None}, {"method": ""}])
def test_d26_a_consent_without_evidence(lacking: dict[str, Any]) -> None:
    assert reasons(ask(fact(**lacking))) == ("deny", ("EVIDENCE_MISSING",))


@pytest.mark.parametrize("basis", ["consent", "contract", "legal_obligation", "legitimate_interest", "vital_interest"])
def test_d30_d31_special_categories_need_explicit_consent(basis: str) -> None:
    health = purpose(special_category=True, lawful_basis=basis)
    assert ask(fact(), purpose=health).reasons[0] == "EXPLICIT_CONSENT_REQUIRED"
    assert ask(fact(), purpose=health).outcome is Outcome.DENY
    assert reasons(ask(fact(consent_type="explicit"), purpose=health)) == ("allow", ("CONSENT_GIVEN",))


@pytest.mark.parametrize("basis", ["contract", "legal_obligation", "vital_interest", "public_task"])
def test_d43_d44_other_bases_carry_what_is_registered_and_no_marketing(basis: str) -> None:
    other = purpose(lawful_basis=basis)
    assert reasons(ask(purpose=other)) == ("allow", (basis.upper(),))
    assert ask(purpose=other).basis == basis
    assert reasons(ask(purpose=replace(other, direct_marketing=True))) == ("deny", ("BASIS_NOT_FOR_MARKETING",))
    assert not ask(purpose=other, question=replace(ASK, operation=Operation.SELL)).allowed
    assert reasons(ask(purpose=other, subject=None)) == ("deny", ("NO_RECORD",))


@pytest.mark.parametrize("basis", ["contract", "legal_obligation", "vital_interest"])
def test_d44_a_withdrawn_consent_does_not_end_an_obligation(basis: str) -> None:
    assert reasons(ask(fact("withdrawn"), purpose=purpose(lawful_basis=basis))) == ("allow", (basis.upper(),))


def test_d45_legitimate_interest() -> None:
    interest = purpose(lawful_basis="legitimate_interest")
    assert reasons(ask(purpose=interest)) == ("allow", ("LEGITIMATE_INTEREST",))
    assert not ask(purpose=interest, question=replace(ASK, operation=Operation.SELL)).allowed


@pytest.mark.parametrize("channel", ["email", "sms"])
def test_d46_marketing_by_mail_or_text_needs_consent_whatever_the_basis(channel: str) -> None:
    interest = purpose(lawful_basis="legitimate_interest", direct_marketing=True)
    denied = ask(purpose=interest, question=on(channel))
    assert denied.reasons[0] == "EPRIVACY_CONSENT_REQUIRED"
    assert denied.outcome is Outcome.DENY
    assert reasons(ask(fact(), purpose=interest, question=on(channel))) == ("allow", ("CONSENT_GIVEN",))
    assert ask(purpose=interest, question=on("post")).allowed
    assert ask(purpose=interest, question=on(channel, message_class=MessageClass.TRANSACTIONAL)).allowed
    # A check that names no channel cannot promise one.
    assert ask(purpose=interest).obligations == ("CHECK_CHANNEL_BEFORE_CONTACT",)


@pytest.mark.parametrize(
    ("asked", "outcome", "fields"),
    [
        ((), "allow", ()),
        (("user.contact.email",), "allow", ()),
        (("user.contact",), "allow", ()),
        (("user.contact.email", "user.health"), "restricted", ("user.contact.email",)),
        (("user",), "deny", ()),
        (("user.contacts",), "deny", ()),
        (("user.behavior",), "deny", ()),
    ],
)
def test_d49_data_categories_narrow(asked: tuple[str, ...], outcome: str, fields: tuple[str, ...]) -> None:
    decision = ask(fact(), question=replace(ASK, fields=asked))
    assert (decision.outcome.value, decision.fields) == (outcome, fields)
    if outcome != "allow":
        assert decision.reasons[-1] == "SCOPE"
    assert not ask(fact("refused"), question=replace(ASK, fields=asked)).fields


# --- Channels ---------------------------------------------------------------------------------------------------------


def test_a_check_without_channel_never_infers_from_one() -> None:
    assert reasons(ask(fact(channel="email"))) == ("deny", ("NO_RECORD",))
    assert ask(fact(), fact("withdrawn", NOW - DAY, "email")).allowed


def test_of_all_channels_and_this_one_the_later_counts() -> None:
    everywhere, here = fact(at=NOW - 2 * DAY), fact("withdrawn", NOW - DAY, "email")
    assert not ask(everywhere, here, question=on("email")).allowed
    assert ask(everywhere, here, question=on("sms")).allowed
    # A yes for every channel does not answer a no about this one: whoever stopped e-mail did not ask for it again.
    assert not ask(replace(everywhere, occurred_at=NOW), here, question=on("email")).allowed
    assert ask(replace(everywhere, occurred_at=NOW), here, question=on("sms")).allowed


@pytest.mark.parametrize(
    ("here", "everywhere", "outcome"),
    [  # the answer about this channel, the later one about every channel
        ("given", "given", "allow"),
        ("given", "withdrawn", "deny"),
        ("given", "objected", "deny"),
        ("withdrawn", "given", "deny"),
        ("refused", "given", "deny"),
        ("revoked", "given", "deny"),
        ("invalidated", "given", "deny"),
        ("objected", "given", "deny"),
        ("pending_confirmation", "given", "deny"),
        ("requested", "given", "allow"),
        ("expired", "given", "allow"),
    ],
)
def test_a_specific_no_stands_until_it_is_answered_specifically(here: str, everywhere: str, outcome: str) -> None:
    facts = fact(here, NOW - 2 * DAY, "email"), fact(everywhere, NOW - DAY)
    assert ask(*facts, question=on("email")).outcome == outcome
    assert ask(fact(channel="email", at=NOW), *facts[1:], question=on("email")).allowed


def test_a_no_for_every_channel_from_a_clock_that_runs_behind_stops_a_yes_about_one() -> None:
    minute = timedelta(minutes=1)
    here = fact(at=NOW - minute, channel="email", recorded_at=NOW - minute)
    late = fact("withdrawn", NOW - 2 * minute, recorded_at=NOW)
    assert reasons(ask(here, late, question=on("email"))) == ("deny", ("CONSENT_WITHDRAWN",))
    # History that arrives late, and a no that was answered since, change nothing.
    assert ask(here, replace(late, occurred_at=NOW - 10 * minute), question=on("email")).allowed
    assert ask(here, replace(late, recorded_at=NOW - 3 * minute), question=on("email")).allowed


def test_at_the_same_moment_the_stricter_counts() -> None:
    assert not ask(fact(), fact("withdrawn", channel="email"), question=on("email")).allowed
    weaker = ask(
        fact(consent_type="explicit"),
        fact(channel="email"),
        question=on("email"),
        purpose=purpose(special_category=True),
    )
    assert weaker.outcome is Outcome.DENY


# --- Algebra ----------------------------------------------------------------------------------------------------------

_moments = st.integers(-400, 0).map(lambda days: NOW + days * DAY) | st.integers(-9, 0).map(
    lambda minutes: NOW + timedelta(minutes=minutes)
)
_facts = st.builds(
    fact,
    state=st.sampled_from([state.value for state in State]),
    at=_moments,
    channel=st.sampled_from(["", "email", "sms"]),
    consent_type=st.sampled_from(["expressed", "explicit"]),
    expires_at=st.none() | st.integers(-10, 10).map(lambda days: NOW + days * DAY),
    notice_version=st.none() | st.integers(1, 3),
    method=st.sampled_from(["", "web_form"]),
    material_version=st.integers(1, 3),
    objected_at=st.none() | _moments,
    recorded_at=st.none() | _moments,
    event_id=st.uuids(),
)
_purposes = st.builds(
    purpose,
    lawful_basis=st.sampled_from(
        ["consent", "contract", "legal_obligation", "vital_interest", "public_task", "legitimate_interest"]
    ),
    direct_marketing=st.booleans(),
    special_category=st.booleans(),
)
_questions = st.builds(
    on,
    st.sampled_from(["", "email", "sms", "post"]),
    operation=st.sampled_from(list(Operation)),
    message_class=st.sampled_from(list(MessageClass)),
    fields=st.lists(st.sampled_from(["user.contact.email", "user.health", "user"]), max_size=3).map(tuple),
)
_people = st.sampled_from([PERSON, SubjectFacts(PERSON.id, "restricted", NOW - 200 * DAY)])
_STRENGTH = {Outcome.DENY: 0, Outcome.RESTRICTED: 1, Outcome.ALLOW: 2}


def _denials(facts: ConsentFact) -> bool:
    return facts.state in DENIALS


@given(st.lists(_facts, max_size=5), _facts.filter(_denials), _purposes, _questions, _people)
def test_adding_a_no_never_opens(
    facts: list[ConsentFact], no: ConsentFact, rule: PurposeRule, question: Question, person: SubjectFacts
) -> None:
    before = ask(*facts, purpose=rule, question=question, subject=person)
    after = ask(*facts, no, purpose=rule, question=question, subject=person)
    assert _STRENGTH[after.outcome] <= _STRENGTH[before.outcome]


@given(
    st.lists(_facts, max_size=5).flatmap(lambda facts: st.tuples(st.just(facts), st.permutations(facts))),
    _purposes,
    _questions,
    _people,
)
def test_the_order_of_facts_never_matters(
    pair: tuple[list[ConsentFact], list[ConsentFact]], rule: PurposeRule, question: Question, person: SubjectFacts
) -> None:
    facts, shuffled = pair
    assert ask(*facts, purpose=rule, question=question, subject=person) == ask(
        *shuffled, purpose=rule, question=question, subject=person
    )


@given(st.lists(_facts, max_size=5), _purposes, _questions)
def test_narrowing_the_scope_never_enables(facts: list[ConsentFact], rule: PurposeRule, question: Question) -> None:
    narrower = replace(rule, data_categories=rule.data_categories[:1])
    wide = ask(*facts, purpose=rule, question=question)
    assert _STRENGTH[ask(*facts, purpose=narrower, question=question).outcome] <= _STRENGTH[wide.outcome]


@given(st.lists(_facts, max_size=5), _purposes, _questions, _people)
def test_every_answer_explains_itself(
    facts: list[ConsentFact], rule: PurposeRule, question: Question, person: SubjectFacts
) -> None:
    decision = ask(*facts, purpose=rule, question=question, subject=person)
    assert decision.reasons
    assert decision.ruleset == 7 or decision.reasons == ("RESTRICTED",)
    assert "RULE_ERROR" not in decision.reasons
    assert "DEFAULT_DENY" not in decision.reasons
    assert (decision.basis is None) is (decision.outcome is Outcome.DENY)
    assert decision.nearest_miss or decision.outcome is not Outcome.DENY or decision.reasons == ("RESTRICTED",)
    assert bool(decision.fields) is (decision.outcome is Outcome.RESTRICTED)
