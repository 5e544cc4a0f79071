"""A made-up mailing tool's database, keyed by e-mail address: recipients, sends, letters from one person to another."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from config.demo.people import BRANDS, KNOWN, dice
from config.demo.stores import Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from config.demo.people import Person
    from config.demo.stores import Rows

_SCHEMA = """
CREATE TABLE campaign (campaign_id INTEGER PRIMARY KEY, brand TEXT NOT NULL, title TEXT NOT NULL, sent_on TEXT NOT NULL,
  follows INTEGER REFERENCES campaign (campaign_id));
CREATE TABLE recipient (recipient_id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, first_name TEXT,
  brand TEXT NOT NULL, customer_no INTEGER, signed_up_on TEXT NOT NULL);
CREATE TABLE send (send_id INTEGER PRIMARY KEY, email TEXT NOT NULL, campaign_id INTEGER NOT NULL
  REFERENCES campaign (campaign_id), opened_on TEXT);
CREATE TABLE friend_mail (friend_mail_id INTEGER PRIMARY KEY, from_recipient INTEGER
  REFERENCES recipient (recipient_id), to_recipient INTEGER REFERENCES recipient (recipient_id), note TEXT,
  sent_on TEXT NOT NULL);
CREATE INDEX recipient_customer ON recipient (customer_no);
CREATE INDEX send_email ON send (email);
CREATE INDEX friend_from ON friend_mail (from_recipient);
CREATE INDEX friend_to ON friend_mail (to_recipient);
"""
_TITLES = ("Spring on the trail", "Boots that last", "Under the stars", "Rain, gladly", "Last tents of the year")
_CAMPAIGNS = 24
_MOST = 10


def receives(seed: int, number: int) -> bool:
    """Tell whether the mailing tool knows a person."""
    return number <= len(KNOWN) or dice(seed, "receives", number).random() < 0.75


def _start(today: date) -> Rows:
    return {
        "campaign": [
            (number, BRANDS[number % 2], f"{_TITLES[number % 5]}, no. {number}",
             (today - timedelta(days=30 * (_CAMPAIGNS - number) + 5)).isoformat(), number - 2 if number > 2 else None)
            for number in range(1, _CAMPAIGNS + 1)
        ],
        # An orphan: the address was taken off the list, what was sent to it was not.
        "send": [(1, "nobody@example.org", 1, None)],
    }  # fmt: skip


def _rows(seed: int, today: date, people: Sequence[Person]) -> Rows:
    known = [each for each in people if receives(seed, each.number)]
    return {
        "recipient": [_recipient(seed, today, each) for each in known],
        "send": [row for each in known for row in _sends(seed, today, each)],
        "friend_mail": [
            (each.number, each.number, each.referred_by, f"{each.name.split()[0]} thinks this is for you.",
             (today - timedelta(days=each.joined)).isoformat())
            for each in known
            if each.referred_by and receives(seed, each.referred_by)
        ],
    }  # fmt: skip


def _address(seed: int, each: Person) -> str:
    """Give the address on the list: some people have written to the shop from a newer one since."""
    is_old = each.number > len(KNOWN) and dice(seed, "old", each.number).random() < 0.04
    return f"old.{each.email}" if is_old else each.email


def _recipient(seed: int, today: date, each: Person) -> tuple[object, ...]:
    signed_up = (today - timedelta(days=each.joined)).isoformat()
    return each.number, _address(seed, each), each.name.split()[0], each.brand, each.number, signed_up


def _sends(seed: int, today: date, each: Person) -> Iterable[tuple[object, ...]]:
    thrown = dice(seed, "sends", each.number)
    for place in range(thrown.randrange(1, 5)):
        days = 30 * thrown.randrange(0, 24) + 5
        opened = (today - timedelta(days=days - thrown.randrange(0, 3))).isoformat() if thrown.random() < 0.5 else None
        campaign = max(1, _CAMPAIGNS - days // 30)
        yield each.number * _MOST + place, _address(seed, each), campaign, opened


STORE = Store("mailing", "Mailing tool", "mailing", _SCHEMA, _start, _rows)
