"""What the queue says is next: work to do, or what is waited for; no database."""

from datetime import UTC, date, datetime

import pytest

from dsar.models import SubjectRequest
from dsar.selectors.queue import next_words

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOMORROW, YESTERDAY = date(2026, 11, 23), date(2026, 11, 21)


@pytest.mark.parametrize(
    ("status", "more", "words"),
    [
        ("awaiting_approval", {}, "Read the plan and approve it"),
        ("awaiting_approval", {"paused_at": NOW}, "We wait for the person's answer"),
        ("verifying", {}, "The person has yet to prove the address"),
        ("executing", {}, "The plan is being carried out"),
        ("executing", {"held_until": TOMORROW}, "The erasure is held; answer in time with what is kept"),
        ("executing", {"held_until": YESTERDAY}, "The plan is being carried out"),
        ("closed", {"paused_at": NOW}, ""),
    ],
)
def test_the_queue_says_what_is_next_or_what_is_waited_for(
    status: str, more: dict[str, datetime | date], words: str
) -> None:
    assert next_words(SubjectRequest(status=status, **more), NOW) == words
