"""Words for the codes of decisions and choices: complete, and beside the code that services get."""

from __future__ import annotations

import ast
from pathlib import Path

import consent.lawfulness
import governance.policy.decide
from consent.lifecycle import UNKNOWN, State
from consent.models import ConsentEvent
from consent.selectors.words import METHOD_WORDS, OUTCOME_WORDS, REASON_WORDS, STATE_WORDS
from governance.models import Purpose
from governance.policy.decide import Outcome

#: What a decision demands or suggests, not why it is what it is.
OBLIGATIONS = {"CHECK_CHANNEL_BEFORE_CONTACT", "MAY_REASK"}


def codes_of(path: str) -> set[str]:
    """Every text in capitals that a module says."""
    found = (
        node.value for node in ast.walk(ast.parse(Path(path).read_text("utf-8"))) if isinstance(node, ast.Constant)
    )
    return {text for text in found if isinstance(text, str) and len(text) > 4 and text.replace("_", "").isupper()}


def test_every_reason_of_a_decision_has_words() -> None:
    said = codes_of(consent.lawfulness.__file__) | codes_of(governance.policy.decide.__file__)
    bases = {basis.upper() for basis in Purpose.Basis.values} - {"CONSENT"}
    assert (said | bases) - OBLIGATIONS <= set(REASON_WORDS)


def test_every_state_way_and_answer_has_words() -> None:
    assert set(STATE_WORDS) == {*State, UNKNOWN}
    assert set(METHOD_WORDS) == set(ConsentEvent.Method.values)
    assert set(OUTCOME_WORDS) == set(Outcome)
