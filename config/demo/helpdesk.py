"""A made-up help desk's database: tickets, messages of customers and agents, people who write for others, orphans."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from config.demo.people import KNOWN, dice, shares_home
from config.demo.stores import Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from config.demo.people import Person
    from config.demo.stores import Rows

_SCHEMA = """
CREATE TABLE agent (agent_id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL,
  team_lead INTEGER REFERENCES agent (agent_id));
CREATE TABLE requester (requester_id INTEGER PRIMARY KEY, name TEXT, email TEXT, phone TEXT, shop_customer INTEGER,
  same_as INTEGER REFERENCES requester (requester_id));
CREATE TABLE ticket (ticket_id INTEGER PRIMARY KEY, requester_id INTEGER REFERENCES requester (requester_id),
  agent_id INTEGER REFERENCES agent (agent_id), topic TEXT NOT NULL, opened_on TEXT NOT NULL, state TEXT NOT NULL,
  follows INTEGER REFERENCES ticket (ticket_id));
CREATE TABLE message (message_id INTEGER PRIMARY KEY, ticket_id INTEGER NOT NULL REFERENCES ticket (ticket_id),
  requester_id INTEGER REFERENCES requester (requester_id), behalf_of INTEGER REFERENCES requester (requester_id),
  agent_id INTEGER REFERENCES agent (agent_id), body TEXT NOT NULL, sent_on TEXT NOT NULL,
  answers INTEGER REFERENCES message (message_id));
CREATE TABLE watcher (ticket_id INTEGER NOT NULL REFERENCES ticket (ticket_id),
  requester_id INTEGER NOT NULL REFERENCES requester (requester_id), since TEXT NOT NULL,
  PRIMARY KEY (ticket_id, requester_id));
CREATE INDEX requester_email ON requester (email);
CREATE INDEX requester_customer ON requester (shop_customer);
CREATE INDEX ticket_requester ON ticket (requester_id);
CREATE INDEX message_ticket ON message (ticket_id);
CREATE INDEX message_requester ON message (requester_id);
CREATE INDEX message_behalf ON message (behalf_of);
CREATE INDEX watcher_requester ON watcher (requester_id);
"""
_AGENTS = ("Rosa Field", "Sven Okoro", "Tess Marlin")
_TOPICS = (
    ("My parcel has not come", "Hello, {name} here. My parcel was due last week; please look where it is."),
    ("Wrong size", "The boots are too small. Can I send them back? My number is {phone}."),
    ("Change my address", "We have moved. Please write to {email} before the next delivery."),
    ("A question about my bill", "I was born on {birthday}, so the youth discount should still count."),
    ("Torn tent", "The tent tore on the first night. I bought it as a present."),
)
_ANSWERS = ("Dear {name}, we have looked into it and write again tomorrow.", "Dear {name}, a new one is on its way.")
#: Room for the rows of one person, so that their numbers do not depend on how many people there are.
_SAME, _TICKETS, _MESSAGES = 2, 4, 8


def asks(seed: int, number: int) -> bool:
    """Tell whether a person ever wrote to the help desk."""
    return number <= len(KNOWN) // 2 or dice(seed, "asks", number).random() < 0.4


def _start(today: date) -> Rows:
    return {
        "agent": [
            (number, name, f"{name.lower().replace(' ', '.')}@larkspur.example", None if number == 1 else 1)
            for number, name in enumerate(_AGENTS, start=1)
        ],
        # Orphans: the requester was removed by hand once, and a message points at a ticket that is gone.
        "ticket": [(1, None, 1, "Unknown caller", (today - timedelta(days=700)).isoformat(), "closed", None)],
        "message": [(1, 999_999_999, None, None, 2, "Called back, nobody there.", today.isoformat(), None)],
    }


def _rows(seed: int, today: date, people: Sequence[Person]) -> Rows:
    asking = [each for each in people if asks(seed, each.number)]
    tickets = [row for each in asking for row in _tickets(seed, today, each)]
    return {
        "requester": [row for each in asking for row in _requesters(seed, each)],
        "ticket": tickets,
        "message": [row for each in asking for row in _messages(seed, today, each)],
        "watcher": [
            (each.number * _TICKETS, _id(each.number - 1), today.isoformat())
            for each in asking
            if _has_company(seed, each)
        ],
    }


def _id(number: int) -> int:
    return number * _SAME


def _has_company(seed: int, each: Person) -> bool:
    """Tell whether the one they live with writes to the help desk as well."""
    return shares_home(each.number) and asks(seed, each.number - 1)


def _requesters(seed: int, each: Person) -> Iterable[tuple[object, ...]]:
    yield _id(each.number), each.name, each.email, each.phone or None, each.number, None
    if dice(seed, "twice", each.number).random() < 0.08:
        # Wrote from another address once: the same person, whom only the shop's number tells.
        yield _id(each.number) + 1, each.name, f"{each.number}.{each.email}", None, each.number, _id(each.number)


def _count(seed: int, each: Person) -> int:
    return 1 + (dice(seed, "tickets", each.number).random() < 0.3)


def _tickets(seed: int, today: date, each: Person) -> Iterable[tuple[object, ...]]:
    thrown = dice(seed, "topics", each.number)
    for place in range(_count(seed, each)):
        topic, _body = thrown.choice(_TOPICS)
        opened = today - timedelta(days=thrown.randrange(0, each.joined + 1))
        number = each.number * _TICKETS + place
        state = thrown.choice(("open", "waiting", "closed", "closed"))
        yield (number, _id(each.number), 1 + number % len(_AGENTS), topic, opened.isoformat(), state,
               number - 1 if place else None)  # fmt: skip


def _messages(seed: int, today: date, each: Person) -> Iterable[tuple[object, ...]]:
    thrown = dice(seed, "messages", each.number)
    for place in range(_count(seed, each)):
        ticket = each.number * _TICKETS + place
        first, agent = ticket * _MESSAGES, 1 + ticket % len(_AGENTS)
        _topic, asked = thrown.choice(_TOPICS)
        said = asked.format(name=each.name, phone=each.phone or "on file", email=each.email, birthday=each.birthday)
        answer = thrown.choice(_ANSWERS).format(name=each.name)
        on = (today - timedelta(days=thrown.randrange(0, each.joined + 1))).isoformat()
        yield first, ticket, _id(each.number), None, None, said, on, None
        yield first + 1, ticket, None, None, agent, answer, on, first
        if place == 0 and _has_company(seed, each):
            other = _id(each.number - 1)
            yield first + 2, ticket, other, _id(each.number), None, f"I write for {each.name}, who is away.", on, first


STORE = Store("helpdesk", "Help desk", "helpdesk", _SCHEMA, _start, _rows)
