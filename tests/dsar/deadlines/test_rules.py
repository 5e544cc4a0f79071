"""The packs: which right has which clock under which law, when, on whose word; and what a bad pack does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from dsar.deadlines import Clock, Regime, Right, Unit, rule_by_id, rule_for, rules, rules_for
from dsar.deadlines.rules import read_pack, require_consistent
from dsar.errors import RightNotCovered

ON = date(2026, 6, 15)
EUROPEAN = {
    Right.ACCESS,
    Right.RECTIFICATION,
    Right.ERASURE,
    Right.RESTRICTION,
    Right.PORTABILITY,
    Right.OBJECTION,
}
CALIFORNIAN = {Right.ACCESS, Right.RECTIFICATION, Right.ERASURE, Right.PORTABILITY}
OPT_OUTS = {Right.OPT_OUT_OF_SALE, Right.LIMIT_SENSITIVE_USE}
MATRIX = {
    Regime.GDPR: dict.fromkeys(EUROPEAN, (1, Unit.MONTHS)),
    Regime.UK_GDPR: dict.fromkeys(EUROPEAN, (1, Unit.MONTHS)),
    Regime.CCPA: dict.fromkeys(CALIFORNIAN, (45, Unit.DAYS)) | dict.fromkeys(OPT_OUTS, (15, Unit.BUSINESS_DAYS)),
    Regime.VOLUNTARY: dict.fromkeys(Right, (1, Unit.MONTHS)),
}


@pytest.mark.parametrize("right", list(Right))
@pytest.mark.parametrize("regime", list(Regime))
def test_every_right_under_every_regime(regime: Regime, right: Right) -> None:
    expected = MATRIX[regime].get(right)
    if expected is None:
        with pytest.raises(RightNotCovered):
            rule_for(regime, right, ON)
    else:
        rule = rule_for(regime, right, ON)
        assert (rule.amount, rule.unit) == expected


@pytest.mark.parametrize("right", list(Right))
def test_only_california_asks_for_an_acknowledgement_and_not_of_opt_outs(right: Right) -> None:
    for regime, rights in MATRIX.items():
        if right in rights:
            asked = Clock.ACKNOWLEDGEMENT in rules_for(regime, right, ON)
            assert asked is (regime is Regime.CCPA and right in CALIFORNIAN)


@pytest.mark.parametrize(("received", "version"), [(date(2026, 2, 4), 1), (date(2026, 2, 5), 2), (date(2030, 1, 1), 2)])
def test_the_day_of_receipt_chooses_the_version(received: date, version: int) -> None:
    rule = rule_for(Regime.UK_GDPR, Right.ACCESS, received)
    assert rule.version == version
    assert rule_by_id(rule.id, rule.version) is rule


def test_before_a_law_there_is_no_rule() -> None:
    with pytest.raises(RightNotCovered):
        rule_for(Regime.GDPR, Right.ACCESS, date(2018, 5, 24))
    with pytest.raises(LookupError):
        rule_by_id("gdpr.answer", 99)


def test_every_rule_and_every_part_of_it_is_cited() -> None:
    for rule in rules():
        parts = [rule.citation, rule.counting_citation, *(pause.citation for pause in rule.pauses)]
        parts += [rule.extension.citation] if rule.extension else []
        parts += [rule.rolling_citation] if rule.rolls else []
        assert all(parts), rule.id


def test_california_never_pauses_and_opt_outs_never_extend() -> None:
    for rule in rules():
        if rule.regime is Regime.CCPA:
            assert not rule.pauses
            assert (rule.extension is None) is (rule.id != "ccpa.answer")


GOOD = """
regime = "VOLUNTARY"
[[rules]]
id = "x"
version = 1
clock = "answer"
rights = ["access"]
amount = 1
unit = "months"
rolls = false
effective_from = 2030-01-01
citation = "c"
counting_citation = "c"
"""


def test_a_pack_is_read_strictly() -> None:
    (rule,) = read_pack(GOOD)
    assert (rule.id, rule.effective_from) == ("x", date(2030, 1, 1))
    with pytest.raises(TypeError, match="grace_days"):
        read_pack(GOOD + "grace_days = 3\n")
    with pytest.raises(ValueError, match="forgetting"):
        read_pack(GOOD.replace("access", "forgetting"))
    with pytest.raises(TypeError, match="citation"):
        read_pack(GOOD.replace('\ncitation = "c"', ""))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"amount": 0}, "positive"),
        ({"citation": ""}, "citation"),
        ({"rolls": True}, "citation"),
        ({"effective_to": date(2029, 1, 1)}, "before it begins"),
    ],
)
def test_a_rule_that_cannot_be_counted_is_refused(change: dict[str, object], complaint: str) -> None:
    (rule,) = read_pack(GOOD)
    require_consistent([rule])
    with pytest.raises(ValueError, match=complaint):
        require_consistent([replace(rule, **change)])


def test_two_rules_for_the_same_day_are_refused() -> None:
    (rule,) = read_pack(GOOD)
    ended = replace(rule, effective_to=date(2030, 6, 30))
    follows = replace(rule, version=2, effective_from=date(2030, 7, 1))
    require_consistent([ended, follows])
    with pytest.raises(ValueError, match="another rule"):
        require_consistent([rule, follows])
    with pytest.raises(ValueError, match="another rule"):
        require_consistent([ended, replace(follows, version=1)])
