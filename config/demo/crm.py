"""A made-up shop database as somebody else would have built it: shared addresses, an orphan, a self-reference."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

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
"""


@dataclass(frozen=True, slots=True)
class Customer:
    """A made-up person. Every address is at example.org, which nobody receives mail at."""

    id: int
    name: str
    address: int
    phone: str = ""
    referred_by: int | None = None

    @property
    def email(self) -> str:
        """The address that the demonstration knows them by."""
        return f"{self.name.lower().replace(' ', '.')}@example.org"


CUSTOMERS = (
    Customer(1, "Ada Marlow", 1, "+493090182001"),
    Customer(2, "Ben Marlow", 1, "+493090182002", referred_by=1),
    Customer(3, "Cleo Ashdown", 2, "+493090182003"),
    Customer(4, "Dov Hartley", 3),
    Customer(5, "Elif Sorensen", 4, "+493090182005", referred_by=3),
    Customer(6, "Femi Okafor", 5),
    Customer(7, "Greta Lindqvist", 6, "+493090182007"),
    Customer(8, "Hugo Vance", 7),
    Customer(9, "Ines Quill", 8, referred_by=7),
    Customer(10, "Jun Tanabe", 8),
    Customer(11, "Kira Novak", 9, "+493090182011"),
    Customer(12, "Leo Brandt", 10),
)
_STREETS = ("Mill Lane", "Harbour Road", "Orchard Row", "Station Street", "Chapel Hill")
_CITIES = ("Westhaven", "Oakridge", "Brightwater")
_ARTICLES = (("Rain jacket", "129.00"), ("Camping stove", "54.90"), ("Walking boots", "159.50"), ("Map set", "18.00"))


def create(path: Path) -> None:
    """Make the database, unless it is there."""
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(_SCHEMA)
        _fill(connection)


def _fill(connection: sqlite3.Connection) -> None:
    addresses = [
        (number, f"{number} {_STREETS[number % 5]}", _CITIES[number % 3], f"{10_000 + number}")
        for number in range(1, 11)
    ]
    connection.executemany("INSERT INTO address VALUES (?, ?, ?, ?)", addresses)
    staff = [(1, "Nora Field", "nora.field@larkspur.example", None), (2, "Otto Reed", "otto.reed@larkspur.example", 1)]
    connection.executemany("INSERT INTO employee VALUES (?, ?, ?, ?)", staff)
    people = [
        (each.id, each.name, each.email, each.phone or None, f"19{70 + each.id}-05-{each.id:02}", each.address,
         each.referred_by, 1 + each.id % 2)
        for each in CUSTOMERS
    ]  # fmt: skip
    connection.executemany("INSERT INTO customer VALUES (?, ?, ?, ?, ?, ?, ?, ?)", people)
    number = 0
    for each in CUSTOMERS:
        for visit in range(1 + each.id % 3):
            number += 1
            article, price = _ARTICLES[(each.id + visit) % 4]
            note = f"Leave with the neighbour, {each.name}" if visit == 0 else None
            purchase = (number, each.id, f"202{3 + visit}-0{1 + each.id % 9}-15", price, note)
            connection.execute("INSERT INTO purchase VALUES (?, ?, ?, ?, ?)", purchase)
            connection.execute("INSERT INTO purchase_line VALUES (?, ?, ?, ?)", (number, number, article, price))
    # An orphan, as old databases have: nobody knows whose purchase it was.
    connection.execute("INSERT INTO purchase VALUES (?, NULL, '2022-11-02', '12.00', NULL)", (number + 1,))
