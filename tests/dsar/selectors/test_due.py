"""Due dates in words, at the edges of days and of time zones."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dsar.selectors.due import due

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "due_at", "words", "tone"),
    [
        ("planning", datetime(2026, 12, 4, 22, 59, 59, tzinfo=UTC), "due in 12 days · 4 December", ""),
        ("planning", datetime(2026, 11, 26, 22, 59, 59, tzinfo=UTC), "due in 4 days · 26 November", "warn"),
        ("planning", datetime(2026, 11, 23, 22, 59, 59, tzinfo=UTC), "due in 1 day · 23 November", "warn"),
        ("planning", datetime(2026, 11, 22, 22, 59, 59, tzinfo=UTC), "due today · 22 November", "warn"),
        ("planning", datetime(2026, 11, 20, 22, 59, 59, tzinfo=UTC), "2 days overdue · 20 November", "danger"),
        ("planning", datetime(2027, 1, 4, 22, 59, 59, tzinfo=UTC), "due in 43 days · 4 January 2027", ""),
        # Half past eleven at night in London is already the next day in Berlin.
        ("planning", datetime(2026, 11, 22, 23, 30, tzinfo=UTC), "due in 1 day · 23 November", "warn"),
        ("responded", datetime(2026, 11, 20, 22, 59, 59, tzinfo=UTC), "deadline 20 November", ""),
    ],
)
def test_due_dates_in_words(status: str, due_at: datetime, words: str, tone: str) -> None:
    said = due(status, due_at, NOW, "Europe/Berlin")
    assert (said.words, said.tone) == (words, tone)
