"""A made-up shop's database as somebody else would have built it: shared addresses, orphans, a friend who referred."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from config.demo.people import dice, shares_home
from config.demo.stores import Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from random import Random  # noqa: TID251  # a type

    from config.demo.people import Person
    from config.demo.stores import Rows

_SCHEMA = """
CREATE TABLE address (address_id INTEGER PRIMARY KEY, street TEXT NOT NULL, city TEXT NOT NULL, postcode TEXT);
CREATE TABLE employee (employee_id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL,
  reports_to INTEGER REFERENCES employee (employee_id));
CREATE TABLE customer (customer_id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE, phone TEXT,
  birthday TEXT, address_id INTEGER REFERENCES address (address_id),
  referred_by INTEGER REFERENCES customer (customer_id), served_by INTEGER REFERENCES employee (employee_id));
CREATE TABLE purchase (purchase_id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customer (customer_id),
  bought_on TEXT NOT NULL, total NUMERIC NOT NULL, delivery_note TEXT);
CREATE TABLE purchase_line (line_id INTEGER PRIMARY KEY, purchase_id INTEGER NOT NULL
  REFERENCES purchase (purchase_id), article TEXT NOT NULL, price NUMERIC NOT NULL);
CREATE INDEX customer_home ON customer (address_id);
CREATE INDEX purchase_buyer ON purchase (customer_id);
CREATE INDEX line_purchase ON purchase_line (purchase_id);
"""
_STREETS = ("Mill Lane", "Harbour Road", "Orchard Row", "Station Street", "Chapel Hill", "Ferry Walk", "Quarry End")
_CITIES = ("Westhaven", "Oakridge", "Brightwater", "Lower Marren", "Saltby")
_ARTICLES = (
    ("Rain jacket", 12900), ("Camping stove", 5490), ("Walking boots", 15950), ("Map set", 1800), ("Head torch", 3450),
    ("Tent for two", 24900), ("Wool socks", 1290), ("Water bottle", 990),
)  # fmt: skip
_NOTES = ("Leave with the neighbour, {name}", "Ring twice; {name} is often in the garden", "Behind the blue gate")
_STAFF = ("Nora Field", "Otto Reed", "Priya Stone", "Quentin Bell")
#: Room for the purchases of one person, so that their numbers do not depend on how many people there are.
_MOST = 10


def _start(today: date) -> Rows:
    address = "{}@larkspur.example"
    return {
        "employee": [
            (number, name, address.format(name.lower().replace(" ", ".")), None if number == 1 else 1)
            for number, name in enumerate(_STAFF, start=1)
        ],
        # Orphans, as old databases have: nobody knows whose purchases these were.
        "purchase": [
            (number, None, (today - timedelta(days=600 + number)).isoformat(), "12.00", None) for number in range(1, 6)
        ],
    }


def _rows(seed: int, today: date, people: Sequence[Person]) -> Rows:
    purchases = [(each, *bought) for each in people for bought in _purchases(seed, today, each)]
    return {
        "address": [_address(seed, each.household) for each in people if not shares_home(each.number)],
        "customer": [
            (each.number, each.name, each.email, each.phone or None, each.birthday, each.household, each.referred_by,
             1 + each.number % len(_STAFF))
            for each in people
        ],
        "purchase": [
            (number, each.number, on, _money(sum(price for _article, price in lines)), note)
            for each, number, on, note, lines in purchases
        ],
        "purchase_line": [
            (number * 4 + place, number, article, _money(price))
            for _each, number, _on, _note, lines in purchases
            for place, (article, price) in enumerate(lines)
        ],
    }  # fmt: skip


def _address(seed: int, household: int) -> tuple[object, ...]:
    thrown = dice(seed, "address", household)
    street = f"{thrown.randrange(1, 140)} {thrown.choice(_STREETS)}"
    return household, street, thrown.choice(_CITIES), f"{thrown.randrange(10_000, 99_999)}"


def _purchases(seed: int, today: date, each: Person) -> Iterable[tuple[int, str, str | None, list[tuple[str, int]]]]:
    thrown = dice(seed, "purchases", each.number)
    for place in range(1 + min(each.number % 3, 2) if each.number <= 12 else thrown.randrange(0, 5)):
        on = today - timedelta(days=thrown.randrange(0, each.joined + 1))
        yield each.number * _MOST + place, on.isoformat(), _note(thrown, each), _lines(thrown)


def _note(thrown: Random, each: Person) -> str | None:
    return thrown.choice(_NOTES).format(name=each.name) if thrown.random() < 0.3 else None


def _lines(thrown: Random) -> list[tuple[str, int]]:
    return [thrown.choice(_ARTICLES) for _ in range(thrown.randrange(1, 4))]


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


STORE = Store("shop", "Shop database", "crm", _SCHEMA, _start, _rows)
