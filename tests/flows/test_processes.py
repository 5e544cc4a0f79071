"""Two servers, two workers, two schedulers on PostgreSQL and Redis: work is shared, nothing is lost or done twice."""

import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import redis

from tests.flows.installation import Installation, Process
from tests.flows.service import email
from tests.flows.shops import Shop, whole_shop
from tests.flows.story import Story

PATIENCE = 60
ERASED = 6
INVOICES = 7  # of every customer of the database
#: Notes every change of a row, and who made it, where no process of ours would look.
WITNESS = """
CREATE TABLE witness (place text, row_id text, what text, who text);
CREATE FUNCTION witnessed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO witness VALUES
        (TG_TABLE_NAME, to_jsonb(new)->>TG_ARGV[0], to_jsonb(new)->>TG_ARGV[1], current_setting('application_name'));
    RETURN NULL;
END $$;
"""
CHANGED = "CREATE TRIGGER seen AFTER UPDATE ON {0} FOR EACH ROW EXECUTE FUNCTION witnessed('{0}_id', '{0}_id');"
ENDED = """
CREATE TRIGGER seen AFTER UPDATE OF state ON governance_systemstep FOR EACH ROW
    WHEN (new.state = 'done') EXECUTE FUNCTION witnessed('id', 'kind');
"""


@pytest.fixture
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    with whole_shop(request, "postgresql", tmp_path) as made:
        yield made


class Crowd:
    """Several people at once, and what the two databases witnessed."""

    def __init__(self, story: Story, shop: Shop) -> None:
        self.story, self.shop = story, shop
        self.installation = story.installation
        self.people = {address: number for number, address in story.people()[:ERASED]}
        self.requests: dict[str, str] = {}

    def asks(self) -> None:
        """Everybody asks at once, at either server, and proves the address at the other."""
        servers = (self.story.first, self.story.second)
        with ThreadPoolExecutor(ERASED) as pool:
            answers = list(pool.map(self._ask, self.people, servers * (ERASED // 2)))
        self.requests = dict(zip(self.people, answers, strict=True))
        codes = {address: self.story.code(address) for address in self.people}
        for number, (address, reference) in enumerate(self.requests.items(), 1):
            at = self.story.service.at(servers[number % 2])
            at.post(f"/v1/requests/{reference}/verify", {"code": codes[address]})

    def _ask(self, address: str, server: str) -> str:
        body = {"rights": ["access", "erasure"], "identifiers": [email(address)]}
        return str(self.story.service.at(server).post("/v1/requests", body, 201)["id"])

    def until(self, status: str) -> None:
        """Wait until every request has come so far."""
        deadline = time.monotonic() + PATIENCE
        while (standing := self.standing()) != {status: ERASED}:
            assert time.monotonic() < deadline, (standing, self.story.steps(), self.installation.logs()[-5000:])
            time.sleep(0.2)

    def standing(self) -> Counter[str]:
        doors = [self.story.service.get(f"/v1/requests/{each}") for each in self.requests.values()]
        return Counter(each["status"] for each in doors)

    def approve(self) -> None:
        """The officer approves one after the other."""
        self.story.officer.get("/console/requests/?tab=open")
        pages = [href for href, text in self.story.officer.page.links if re.search(r"R-[0-9A-Z]{4}-", text)]
        assert len(set(pages)) == ERASED
        for href in dict.fromkeys(pages):
            self.story.officer.get(href).submit("Approve")

    def witnessed(self, url: str) -> list[tuple[str, ...]]:
        with psycopg.connect(url) as connection:
            return connection.execute("SELECT place, row_id, what, who FROM witness").fetchall()


def test_what_several_processes_do_is_done_once(redis_installation: Installation, shop: Shop) -> None:
    installation = redis_installation
    installation.environment["GOVERNANCE_STEP_LEASE_SECONDS"] = "6"  # both workers are to be inside a step at once
    story = Story(installation, shop)
    workers = [story.worker, installation.worker()]
    installation.scheduler()  # by accident
    story.set_up()
    before = shop.rows()
    crowd = Crowd(story, shop)
    watch(installation.environment["DATABASE_URL"], ENDED)
    watch(shop.parts[0].url, *(CHANGED.format(table) for table in ("customer", "invoice", "invoice_line")))

    a_withdrawal_counts_at_once(story, list(crowd.people))
    crowd.asks()
    flush(installation)
    crowd.until("awaiting_approval")
    a_worker_is_killed_inside_a_step(crowd, workers)
    crowd.until("reviewing")

    nothing_was_done_twice(crowd)
    exactly_these_people_are_gone(crowd, before)
    assert "holds" in installation.manage("verify_audit")


def watch(url: str, *triggers: str) -> None:
    with psycopg.connect(url) as connection:
        for statement in (WITNESS, *triggers):
            connection.execute(statement)


def flush(installation: Installation) -> None:
    """Empty the broker and the cache, as a Redis without persistence does when it restarts."""
    with redis.Redis.from_url(installation.redis_url) as client:
        assert client.dbsize() > 0  # it is the one in use
        client.flushdb()


def a_withdrawal_counts_at_once(story: Story, people: Sequence[str]) -> None:
    """Said at one server, it counts in the next answer of the other, for everybody, all of them at once."""

    def back_and_forth(address: str) -> list[str]:
        told = []
        for here, there in ((story.first, story.second), (story.second, story.first)) * 2:
            story.choose(address, "withdrawn", here)
            told += [story.check(address, at)["decision"] for at in (there, here)]
            story.choose(address, "given", here)
            told.append(story.check(address, there)["decision"])
        story.choose(address, "withdrawn", story.first)
        return told

    with ThreadPoolExecutor(len(people)) as pool:
        answers = list(pool.map(back_and_forth, people))
    assert answers == [["deny", "deny", "allow"] * 4] * len(people)


def a_worker_is_killed_inside_a_step(crowd: Crowd, workers: Sequence[Process]) -> None:
    """With both workers waiting inside a step, one is killed and the broker emptied; the other does the rest."""
    with crowd.shop.held():
        crowd.approve()
        deadline = time.monotonic() + PATIENCE
        while crowd.story.steps().count(("erase", "claimed")) < len(workers):
            assert time.monotonic() < deadline, crowd.story.steps()
            time.sleep(0.1)
        crowd.installation.kill(workers[0])
        flush(crowd.installation)


def nothing_was_done_twice(crowd: Crowd) -> None:
    """Every step ended once, as the ledger tells, and both workers had their part."""
    url = crowd.installation.environment["DATABASE_URL"]
    ended = crowd.witnessed(url)
    states = Counter(state for _kind, state in crowd.story.steps())
    assert states == {"done": len(ended)}
    assert len({row_id for _place, row_id, _what, _who in ended}) == len(ended)
    shares = Counter(who for *_rest, who in ended)
    assert len(shares) == 2, shares
    assert all(name.startswith("worker-") for name in shares)
    with psycopg.connect(url) as connection:
        told = dict(connection.execute("SELECT type, count(*) FROM governance_ledgerentry GROUP BY type").fetchall())
        packages = connection.execute("SELECT count(DISTINCT request_id), count(*) FROM dsar_requestpackage").fetchone()
    assert told["step.finished"] == len(ended)
    assert told["subject.erased"] == ERASED
    assert packages == (ERASED, ERASED)


def exactly_these_people_are_gone(crowd: Crowd, before: dict[str, list[tuple[object, ...]]]) -> None:
    """Each of their rows was written once, no other row at all, and the outcomes on record say the same."""
    after = crowd.shop.rows()
    numbers = set(crowd.people.values())
    expected = Counter()
    for table, person in (("customer", 0), ("invoice", 1)):
        for old, new in zip(before[table], after[table], strict=True):
            assert (old != new) == (old[person] in numbers)
            expected[table] += old != new
    assert expected == {"customer": ERASED, "invoice": ERASED * INVOICES}
    written = Counter((place, row_id) for place, row_id, *_rest in crowd.witnessed(crowd.shop.parts[0].url))
    assert set(written.values()) == {1}
    assert Counter(place for place, _row in written) == expected
    untouched = before.keys() - {"customer", "invoice"}
    assert {table: after[table] for table in untouched} == {table: before[table] for table in untouched}
    with psycopg.connect(crowd.installation.environment["DATABASE_URL"]) as connection:
        outcomes = connection.execute("SELECT collection, field, outcome, rows FROM dsar_fieldoutcome").fetchall()
    assert not [each for each in outcomes if each[2] == "failed"]
    on_record = Counter[str]()
    for collection, field, outcome, rows in outcomes:
        if (field, outcome) in {("email", "erased"), ("billing_address", "erased")}:
            on_record[collection] += rows
    assert on_record == expected
