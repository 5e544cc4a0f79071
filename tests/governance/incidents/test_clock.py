"""The 72 hours: hours that pass, through weekends and changes of the clocks, by a rule that is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.incidents import clock

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("aware", "due"),
    [
        ("2026-03-02T09:00+01:00", "2026-03-05T09:00+01:00"),
        ("2026-03-06T17:30+01:00", "2026-03-09T17:30+01:00"),  # over a weekend, which counts
        ("2026-12-24T12:00+01:00", "2026-12-27T12:00+01:00"),  # over Christmas, which counts
        ("2026-03-27T10:00+01:00", "2026-03-30T11:00+02:00"),  # an hour is skipped on 29 March
        ("2026-10-23T10:00+02:00", "2026-10-26T09:00+01:00"),  # an hour comes twice on 25 October
        ("2028-02-27T08:00+01:00", "2028-03-01T08:00+01:00"),  # a leap day
    ],
)
def test_the_table(aware: str, due: str) -> None:
    found = clock.due(datetime.fromisoformat(aware), country="DE", time_zone="Europe/Berlin")
    assert found.at.isoformat(timespec="minutes") == due
    assert found.rule_id == "gdpr-33"
    assert found.derivation[0]["citation"] == "GDPR Art. 33(1)"
    changes = datetime.fromisoformat(aware).utcoffset() != datetime.fromisoformat(due).utcoffset()
    assert len(found.derivation) == (3 if changes else 2)


@given(st.datetimes(min_value=datetime(2018, 5, 26), max_value=datetime(2060, 1, 1), timezones=st.just(BERLIN)))  # noqa: DTZ001
def test_it_is_always_72_hours_that_pass(aware: datetime) -> None:
    found = clock.due(aware, country="FR", time_zone="Europe/Berlin")
    assert found.at.astimezone(UTC) - aware.astimezone(UTC) == timedelta(hours=72)


def test_the_rule_is_that_of_the_place_and_the_time() -> None:
    aware = datetime(2026, 1, 5, tzinfo=UTC)
    assert clock.due(aware, country="GB", time_zone="Europe/London").rule_id == "uk-gdpr-33"
    assert clock.due(aware.replace(year=2019), country="GB", time_zone="Europe/London").rule_id == "gdpr-33"
    with pytest.raises(ValueError, match="in force"):
        clock.due(aware.replace(year=2017), country="DE", time_zone="Europe/Berlin")
    with pytest.raises(ValueError, match="zone"):
        clock.due(datetime(2026, 1, 5), country="DE", time_zone="Europe/Berlin")  # noqa: DTZ001


def test_every_rule_says_where_it_is_written() -> None:
    assert len({rule.id for rule in clock.RULES}) == len(clock.RULES)
    assert all(rule.citation and rule.counting and rule.hours > 0 for rule in clock.RULES)
    assert not clock.RULES[-1].countries
