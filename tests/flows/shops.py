"""The public customer database on any engine, whole or spread over three, with its description; asserts nothing."""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
import yaml

from tests.databases import (
    chinook_folder,
    database,
    dump,
    mariadb_connection,
    run_on_mariadb,
    server_of,
    without_database_commands,
)

DESCRIPTIONS = Path(__file__).parents[1] / "data"
TABLES = ("Customer", "Employee", "Invoice", "InvoiceLine")


class Part(NamedTuple):
    """One connected system: its key, where it is, and which of the tables it keeps."""

    key: str
    url: str
    dialect: str
    tables: Sequence[str]
    description: str

    def spelt(self, word: str) -> str:
        """Spell a name as the dialect does: `InvoiceLine` or `invoice_line`."""
        return spelt(word, self.dialect)


class Shop:
    """The customer database as its owner sees it, in one system or several."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = parts

    def name(self, word: str) -> str:
        """Answer a table's name where it is kept."""
        return self._keeper(word).spelt(word)

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        """Answer every row of every table of every system."""
        return {name: rows for part in self.parts for name, rows in dump(part.url).items()}

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the invoices so that whoever wants to change them has to wait."""
        part = self._keeper("Invoice")
        with _HOLDS[part.dialect](part):
            yield

    def _keeper(self, word: str) -> Part:
        return next(part for part in self.parts if word in part.tables)


def spelt(word: str, dialect: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", word).lower() if dialect == "postgresql" else word


@contextmanager
def _sqlite_held(part: Part) -> Iterator[None]:
    with closing(sqlite3.connect(part.url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


@contextmanager
def _postgresql_held(part: Part) -> Iterator[None]:
    with psycopg.connect(part.url) as connection:
        connection.execute("LOCK TABLE invoice IN SHARE MODE")
        yield
        connection.rollback()


@contextmanager
def _mariadb_held(part: Part) -> Iterator[None]:
    with closing(mariadb_connection(part.url)) as connection:
        run_on_mariadb(connection, "LOCK TABLES Invoice READ")
        yield


_HOLDS = {"sqlite": _sqlite_held, "postgresql": _postgresql_held, "mysql": _mariadb_held}


@contextmanager
def whole_shop(request: pytest.FixtureRequest, dialect: str, folder: Path) -> Iterator[Shop]:
    """Make the whole database in one system."""
    description = _description(dialect)
    with _made(request, dialect, folder, without_database_commands(_script(dialect))) as url:
        yield Shop([Part("chinook", url, dialect, TABLES, description)])


@contextmanager
def split_shop(
    request: pytest.FixtureRequest, homes: dict[str, tuple[str, Sequence[str]]], folder: Path
) -> Iterator[Shop]:
    """Spread the tables over systems; `homes` says, by system key, on which engine which tables are."""
    with ExitStack() as stack:
        parts = []
        for key, (dialect, tables) in homes.items():
            url = stack.enter_context(_made(request, dialect, folder, _portion(_script(dialect), dialect, tables)))
            parts.append(Part(key, url, dialect, tables, _split_description(homes, key)))
        yield Shop(parts)


@contextmanager
def _made(request: pytest.FixtureRequest, dialect: str, folder: Path, script: str) -> Iterator[str]:
    apart = folder / "shop"  # from the service's own files, which are searched for its contents
    apart.mkdir(exist_ok=True)
    with database(dialect, server_of(request, dialect), apart, script) as url:
        yield url


def _script(dialect: str) -> str:
    return (chinook_folder() / f"chinook_{dialect}.sql").read_text(encoding="utf-8")


def _description(dialect: str) -> str:
    return (DESCRIPTIONS / f"chinook_{dialect}.yml").read_text(encoding="utf-8")


def _portion(script: str, dialect: str, tables: Sequence[str]) -> str:
    """Keep the statements about some tables; a system's foreign keys end at its borders."""
    wanted = {spelt(table, dialect) for table in tables}
    kept = []
    for statement in re.split(r";\s*\n", re.sub(r"/\*.*?\*/", "", script, flags=re.DOTALL)):
        found = re.match(r"\s*(CREATE TABLE|INSERT INTO|ALTER TABLE)\s+[\[`\"]?(\w+)", statement)
        pointed = re.search(r"REFERENCES\s+[\[`\"]?(\w+)", statement) if found and found[1] == "ALTER TABLE" else None
        if found and found[2] in wanted and (pointed is None or pointed[1] in wanted):
            whole = statement if found[1] != "CREATE TABLE" else _without_foreign_keys(statement)
            kept.append(whole)
    return ";\n".join([*kept, ""])


def _without_foreign_keys(statement: str) -> str:
    return re.sub(r",\s*FOREIGN KEY.*?(?=,\s*FOREIGN KEY|\n\)\s*$)", "", statement, flags=re.DOTALL)


def _split_description(homes: dict[str, tuple[str, Sequence[str]]], key: str) -> str:
    """Describe one system's tables, with references into the others."""
    dialect, tables = homes[key]
    whole: dict[str, Any] = yaml.safe_load(_description(dialect))
    keepers = {spelt(table, dialect): (other, table) for other, (_, theirs) in homes.items() for table in theirs}
    [dataset] = whole["dataset"]
    dataset["fides_key"] = key
    wanted = {spelt(table, dialect) for table in tables}
    dataset["collections"] = [home for home in dataset["collections"] if home["name"] in wanted]
    for home in dataset["collections"]:
        for item in home["fields"]:
            _redirect(item, keepers, homes)
    rules = [rule for rule in whole.pop("retention_rule", ()) if rule["from"].partition(".")[0] in wanted]
    if rules:
        whole["retention_rule"] = [{**rule, "dataset": key} for rule in rules]
    return yaml.safe_dump(whole, sort_keys=False)


def _redirect(
    item: dict[str, Any], keepers: dict[str, tuple[str, str]], homes: dict[str, tuple[str, Sequence[str]]]
) -> None:
    meta = item.get("fides_meta", {})
    kept = []
    for reference in meta.pop("references", ()):
        table, _, column = reference["field"].partition(".")
        if table in keepers:
            key, word = keepers[table]
            there = homes[key][0]
            name = column if "_" not in column else column.title().replace("_", "")
            field = f"{spelt(word, there)}.{spelt(name, there)}"
            kept.append({**reference, "dataset": key, "field": field})
    if kept:
        meta["references"] = kept
