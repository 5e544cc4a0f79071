"""A small made-up shop in which every awkward case occurs once: its tables, rows and description; asserts nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from governance.catalogue.fideslang import parse

if TYPE_CHECKING:
    from governance.catalogue.data_map import DataMap

TABLES = """
CREATE TABLE address (id INTEGER PRIMARY KEY, street TEXT, city TEXT);
CREATE TABLE person (
    id INTEGER PRIMARY KEY,
    email VARCHAR(60) NOT NULL UNIQUE,
    name VARCHAR(20) NOT NULL,
    born DATE NOT NULL,
    points INTEGER NOT NULL,
    password TEXT,
    referred_by INTEGER REFERENCES person (id),
    address_id INTEGER REFERENCES address (id)
);
CREATE TABLE staff (id INTEGER PRIMARY KEY, name TEXT, email TEXT, address_id INTEGER REFERENCES address (id));
CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    sender_id INTEGER REFERENCES person (id),
    receiver_id INTEGER REFERENCES person (id),
    body TEXT
);
CREATE TABLE attachment (id INTEGER PRIMARY KEY, message_id INTEGER REFERENCES message (id), text TEXT);
CREATE TABLE ticket (
    id INTEGER PRIMARY KEY,
    email TEXT,
    staff_id INTEGER REFERENCES staff (id),
    text TEXT
);
CREATE TABLE basket (id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES person (id), label TEXT);
CREATE TABLE basket_item (
    basket_id INTEGER NOT NULL REFERENCES basket (id),
    line INTEGER NOT NULL,
    wish TEXT,
    PRIMARY KEY (basket_id, line)
);
CREATE TABLE visit (email TEXT, page TEXT);
CREATE TABLE household (id INTEGER PRIMARY KEY, head_id INTEGER, motto TEXT, pet_id INTEGER);
CREATE TABLE pet (id INTEGER PRIMARY KEY, household_id INTEGER, name TEXT);
"""

ROWS = """
INSERT INTO address VALUES (1, 'Shared Street 1', 'Lund'), (2, 'Own Street 2', 'Lund'), (3, 'Staff Street 3', 'Lund');
INSERT INTO person VALUES
    (1, 'ann@example.org', 'Ann', '1980-02-29', 7, 'hash1', NULL, 1),
    (2, 'Bob@example.org', 'Bob', '1990-01-01', 8, 'hash2', 1, 1),
    (3, 'cy@example.org', 'Cy', '1970-05-05', 9, NULL, 1, 2);
INSERT INTO staff VALUES (1, 'Sue', 'sue@shop.example', 3), (2, 'Ann', 'ann@example.org', 3);
INSERT INTO message VALUES (1, 1, 2, 'Ann to Bob'), (2, 1, NULL, 'Ann to nobody'), (3, 2, 3, 'Bob to Cy');
INSERT INTO attachment VALUES (1, 1, 'shared picture'), (2, 2, 'own picture'), (3, 3, 'foreign picture');
INSERT INTO ticket VALUES
    (1, 'ann@example.org', 1, 'about Ann'), (2, 'cy@example.org', 2, 'Cy, served by Ann'), (3, NULL, 2, 'by Ann');
INSERT INTO basket VALUES (1, 1, 'mine'), (2, 2, 'his');
INSERT INTO basket_item VALUES (1, 1, 'lamp'), (1, 2, 'rug'), (2, 1, 'chair');
INSERT INTO visit VALUES ('ann@example.org', '/a'), ('ann@example.org', '/a'), ('cy@example.org', '/b');
INSERT INTO household VALUES (1, 1, 'ours', 1), (2, 2, 'theirs', 2);
INSERT INTO pet VALUES (1, 1, 'Rex'), (2, 2, 'Tom'), (3, 1, 'Kit');
"""


def field(name: str, category: str = "system.operations", meta: str = "") -> str:
    extra = f", fides_meta: {{{meta}}}" if meta else ""
    return f"          - {{name: {name}, data_categories: [{category}]{extra}}}\n"


def key(name: str = "id", identity: str = "") -> str:
    return field(name, meta="primary_key: true" + (f", identity: {identity}" if identity else ""))


def link(name: str, target: str, more: str = "") -> str:
    return field(name, meta=f"references: [{{dataset: shop, field: {target}}}]{more}")


def collection(name: str, *fields: str, meta: str = "") -> str:
    extra = f"        fides_meta: {{{meta}}}\n" if meta else ""
    return f"      - name: {name}\n{extra}        fields:\n{''.join(fields)}"


def described(*collections: str) -> DataMap:
    text = "dataset:\n  - fides_key: shop\n    collections:\n" + "".join(collections)
    return parse(text).data_map


ADDRESS = collection(
    "address",
    key(),
    field("street", "user.contact.address.street"),
    field("city", "user.contact.address.city"),
)
PERSON = collection(
    "person",
    key(),
    field("email", "user.contact.email", "identity: email"),
    field("name", "user.name"),
    field("born", "user.demographic.date_of_birth"),
    field("points", "user.behavior"),
    field("password", "user.authorization.password"),
    link("referred_by", "person.id"),
    link("address_id", "address.id"),
)
STAFF = collection(
    "staff",
    key(),
    field("name", "employee"),
    field("email", "user.contact.email", "identity: email"),
    link("address_id", "address.id"),
    meta="data_subject: employee",
)
MESSAGE = collection(
    "message",
    key(),
    link("sender_id", "person.id"),
    link("receiver_id", "person.id"),
    field("body", "user.content"),
)
ATTACHMENT = collection("attachment", key(), link("message_id", "message.id"), field("text", "user.content"))
TICKET = collection(
    "ticket",
    key(),
    field("email", "system.operations", "identity: email"),
    link("staff_id", "staff.id"),
    field("text", "user.content"),
)
BASKET = collection("basket", key(), link("person_id", "person.id"), field("label", "user.content"))
BASKET_ITEM = collection(
    "basket_item",
    field("basket_id", meta="primary_key: true, references: [{dataset: shop, field: basket.id}]"),
    key("line"),
    field("wish", "user.behavior"),
)
VISIT = collection("visit", field("email", "user.contact.email", "identity: email"), field("page", "user.behavior"))
HOUSEHOLD = collection(
    "household", key(), link("head_id", "person.id"), field("motto", "user.content"), link("pet_id", "pet.id")
)
PET = collection("pet", key(), link("household_id", "household.id"), field("name", "user.content"))
