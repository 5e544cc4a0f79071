"""Words for codes: every code of a request has its own, and no page shows the code where there are words."""

from __future__ import annotations

import pytest

from dsar.admin.forms import EXTENSION_WORDS, FOLLOWS_WORDS, PAUSE_WORDS, REFUSAL_WORDS
from dsar.deadlines import ExtensionReason, PauseReason, Right
from dsar.lifecycle import Event, Status
from dsar.models import FieldOutcome, RequestRight, SubjectRequest
from dsar.selectors.timeline import EVENTS
from dsar.selectors.words import ANSWER_WORDS, MANNER_WORDS, OUTCOME_WORDS, RIGHT_WORDS, STATUS_WORDS
from dsar.services.wording import HOLD_WORDS


@pytest.mark.parametrize(
    ("table", "codes"),
    [
        (STATUS_WORDS, Status),
        (RIGHT_WORDS, Right),
        (MANNER_WORDS, SubjectRequest.Manner),
        (OUTCOME_WORDS, FieldOutcome.Outcome),
        (ANSWER_WORDS, RequestRight.Outcome),
        (REFUSAL_WORDS, SubjectRequest.RefusalReason),
        (HOLD_WORDS, SubjectRequest.HoldReason),
        (FOLLOWS_WORDS, SubjectRequest.WhatFollows),
        (PAUSE_WORDS, PauseReason),
        (EXTENSION_WORDS, ExtensionReason),
    ],
)
def test_every_code_has_words_of_its_own(table: dict[str, object], codes: type) -> None:
    assert set(table) == {each.value for each in codes}  # type: ignore[attr-defined]  # enumerations all
    assert len({str(words) for words in table.values()}) == len(table)
    assert not any("_" in str(words) for words in table.values())


def test_every_event_of_the_lifecycle_is_told_in_words() -> None:
    assert {event.value for event in Event} <= set(EVENTS)
