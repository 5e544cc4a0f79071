"""The connector on a public customer database that nobody here wrote: one person's rows, and nothing of anyone else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from governance.catalogue import planning
from governance.catalogue.data_map import CollectionRef, DataMap
from governance.catalogue.fideslang import parse
from governance.catalogue.planning import Ownership, Plan
from governance.systems.sql import Outcome, Status
from governance.systems.sql.system import SqlSystem
from governance.systems.sql.walk import erase_all, locate_all
from tests.databases import (
    chinook_folder,
    database,
    dump,
    server_of,
    without_database_commands,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

DESCRIPTIONS = Path(__file__).parents[2] / "data"
SEED = b"a seed for one request, 32 bytes"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FIRST = {"email": ["luisg@embraer.com.br"], "customer_id": ["1"]}
SECOND = {"email": ["leonekohler@surfeu.de"], "customer_id": ["2"]}


class Store(NamedTuple):
    url: str
    data_map: DataMap
    customer: str
    invoice: str
    line: str
    employee: str

    def ref(self, name: str) -> CollectionRef:
        return CollectionRef("chinook", name)

    def plan(self) -> Plan:
        return planning.plan(self.data_map, {"email", "customer_id"}, {"access", "erasure"})


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    script = (chinook_folder() / f"chinook_{request.param}.sql").read_text(encoding="utf-8")
    data_map = parse((DESCRIPTIONS / f"chinook_{request.param}.yml").read_bytes()).data_map
    names = ("Customer", "Invoice", "InvoiceLine", "Employee")
    if request.param == "postgresql":
        names = ("customer", "invoice", "invoice_line", "employee")
    server = server_of(request, request.param)
    with database(request.param, server, tmp_path, without_database_commands(script)) as url:
        yield Store(url, data_map, *names)


def test_the_description_fits_the_database(store: Store) -> None:
    with SqlSystem(store.url) as system:
        findings = system.check(store.data_map.datasets[0])
        counts = system.count_all(store.data_map.datasets[0])
    assert store.data_map.check() == []
    assert [each for each in findings if each.blocks] == []
    assert {each.code for each in findings} == {"unmapped_column"}  # tracks are described in part only
    assert counts[store.customer] == 59
    assert counts[store.employee] == 8


def test_an_access_copy_holds_the_customer_their_invoices_and_lines_and_nobody_else(store: Store) -> None:
    made = store.plan()
    with SqlSystem(store.url) as system:
        found = locate_all(made, {"chinook": system}, FIRST)
        copies = {node.at.collection: list(system.read(node, found[node.at].rows)) for node in made}
    everything = dump(store.url)
    assert set(copies) == {store.customer, store.invoice, store.line}
    customers, invoices, lines = copies[store.customer], copies[store.invoice], copies[store.line]
    assert [row[next(iter(row))] for row in customers] == [1]
    own = [row for row in everything[store.invoice] if row[1] == 1]
    assert {next(iter(row.values())) for row in invoices} == {row[0] for row in own}
    assert len(invoices) == 7
    numbers = {row[0] for row in own}
    assert {next(iter(row.values())) for row in lines} == {r[0] for r in everything[store.line] if r[1] in numbers}
    assert len(lines) == 38
    total = list(store.data_map.collections[store.ref(store.invoice)].fields)[-1].name
    assert {row[total] for row in invoices} == {f"{row[-1]:.2f}" for row in own}
    withheld = [each for each in made.excluded if each.ownership is Ownership.OTHER_PERSON]
    assert [(each.at.collection, each.reason) for each in withheld] == [(store.employee, "another_person")]


def test_erasing_one_customer_leaves_every_other_row_as_it_was(store: Store) -> None:
    before = dump(store.url)
    made = store.plan()
    with SqlSystem(store.url) as system:
        systems = {"chinook": system}
        found = locate_all(made, systems, FIRST)
        second = locate_all(made, systems, SECOND)
        assert system.dry_run(made, found, {"chinook"}) == []
        outcomes = erase_all(made, systems, found, seed=SEED, instant=NOW)
        after = dump(store.url)
        left = {at: system.still_there(made.node(at), found[at], seed=SEED, instant=NOW) for at in made.erase_order}
        assert locate_all(made, systems, SECOND) == second
    assert left == {at: [] for at in made.erase_order}
    customers, invoices = made.node(store.ref(store.customer)), made.node(store.ref(store.invoice))
    assert customers.erase is not None
    assert invoices.erase is not None
    for name, rows in before.items():
        changed = [index for index, row in enumerate(rows) if after[name][index] != row]
        expected = {store.customer: 1, store.invoice: 7}.get(name, 0)
        assert len(changed) == expected, name
        assert len(after[name]) == len(rows)
    fields = outcomes[store.ref(store.customer)]
    kept = {customers.key[0], customers.withheld[0].field}
    assert {name for name, each in fields.items() if each[0].status is Status.ERASED} == set(fields) - kept
    _billing_is_erased_and_the_tax_record_stays(store, outcomes[store.ref(store.invoice)], before, after)
    assert "luisg" not in repr(after)
    assert "Gon" not in repr(after[store.customer][0])


def _billing_is_erased_and_the_tax_record_stays(
    store: Store, outcomes: dict[str, tuple[Outcome, ...]], before: dict, after: dict
) -> None:
    latest = max(str(row[2]) for row in before[store.invoice] if row[1] == 1)
    until = f"{int(latest[:4]) + 10}{latest[4:10]}T00:00:00+00:00"
    names = [item.name for item in store.data_map.collections[store.ref(store.invoice)].fields]
    number, customer, day, street, city, state, country, postal_code, total = names
    for name in (number, customer, day, country, total):
        assert outcomes[name] == (Outcome(Status.RETAINED, 7, "tax", until),)
    for name in (street, city, state, postal_code):
        assert outcomes[name] == (Outcome(Status.ERASED, 7),)
    for old, new in zip(before[store.invoice], after[store.invoice], strict=True):
        if old[1] == 1:
            assert new == (*old[:3], None, None, None, old[6], None, old[8])


def test_erasing_again_changes_nothing_and_says_the_same(store: Store) -> None:
    made = store.plan()
    with SqlSystem(store.url) as system:
        systems = {"chinook": system}
        found = locate_all(made, systems, FIRST)
        first = erase_all(made, systems, found, seed=SEED, instant=NOW)
        once = dump(store.url)
        assert erase_all(made, systems, found, seed=SEED, instant=NOW) == first
        assert dump(store.url) == once
        assert found[store.ref(store.customer)].rows == ((1,),)


def test_what_the_tax_rule_kept_is_erased_once_it_has_run_out(store: Store) -> None:
    made = store.plan()
    later = datetime(2050, 1, 1, tzinfo=UTC)
    with SqlSystem(store.url) as system:
        found = locate_all(made, {"chinook": system}, FIRST)
        outcomes = erase_all(made, {"chinook": system}, found, seed=SEED, instant=later)[store.ref(store.invoice)]
    names = [item.name for item in store.data_map.collections[store.ref(store.invoice)].fields]
    assert outcomes[names[6]] == (Outcome(Status.ERASED, 7),)
    assert outcomes[names[0]] == (Outcome(Status.RETAINED, 7, "key"),)
    assert all(row[6] is None for row in dump(store.url)[store.invoice] if row[1] == 1)


def test_an_address_in_another_case_finds_the_same_person(store: Store) -> None:
    made = store.plan()
    with SqlSystem(store.url) as system:
        shouted = locate_all(made, {"chinook": system}, {"email": [" LuisG@Embraer.COM.BR "], "customer_id": []})
        assert shouted == locate_all(made, {"chinook": system}, FIRST)
        nobody = locate_all(
            made, {"chinook": system}, {"email": ["nobody@example.org"], "customer_id": ["x", "9" * 30]}
        )
    assert all(not each.rows and not each.co_owned for each in nobody.values())
