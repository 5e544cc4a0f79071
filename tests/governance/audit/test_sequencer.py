"""The sequencer: contiguous positions, one leader, and whatever happens at any statement, nothing lost or doubled."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from governance import ledger
from governance.audit import lease, sequencer, tiling
from governance.audit.sequencer import LEASE, LEASE_PERIOD, sequence
from governance.audit.verify import verify
from governance.crypto.merkle import CompactRange, fetch_from
from governance.crypto.notes import Checkpoint, Verifier, verify_note
from governance.crypto.tiles import Tile, subtree_root, tiles_of
from governance.errors import LedgerBroken
from governance.keys import signing
from governance.ledger import LedgerEvent
from governance.models import Lease, LedgerCheckpoint, LedgerEntry, LedgerLeaf, LedgerPending, LedgerTile
from governance.policy.vocabulary import AuditType
from tests.superuser import lifted

if TYPE_CHECKING:
    from tests.governance.audit.conftest import Write

pytestmark = pytest.mark.django_db


class Killed(Exception):
    """Stands for kill -9 at one statement: the process goes no further."""


class KillAt:
    """Lets a number of statements through and stops at the next, as an execute wrapper of the connection."""

    def __init__(self, statement: int) -> None:
        self.left = statement

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if self.left == 0:
            raise Killed
        self.left -= 1
        return execute(sql, params, many, context)


def fill(count: int) -> None:
    """Append many small events in one transaction."""
    event = LedgerEvent(type=AuditType.PURPOSE_CHANGED, actor_ref="service:filler")
    with transaction.atomic():
        ledger.append_many([event] * count)


def require_tiles() -> int:
    """Compare every stored tile with the definition, computed from all leaves; answers how many there are."""
    leaves = [bytes(hash_) for hash_ in LedgerLeaf.objects.order_by("position").values_list("hash", flat=True)]
    fetch = fetch_from(leaves)
    expected = {
        (tile.level, tile.index): b"".join(fetch(tile.level * 8, tile.index * 256 + at) for at in range(256))
        for tile in tiles_of(len(leaves))
        if tile.width == 256
    }
    rows = {(row.level, row.number): row for row in LedgerTile.objects.all()}
    assert {place: bytes(row.hashes) for place, row in rows.items()} == expected
    assert all(bytes(row.root) == fetch((level + 1) * 8, number) for (level, number), row in rows.items())
    return len(expected)


def positions() -> list[int]:
    return list(LedgerLeaf.objects.order_by("position").values_list("position", flat=True))


def test_waiting_events_get_contiguous_positions_under_a_signed_head(write: Write) -> None:
    entries = write(3)
    assert sequence() == 3
    leaves = list(LedgerLeaf.objects.order_by("position"))
    assert [(leaf.position, leaf.entry_id) for leaf in leaves] == [(at, entry.id) for at, entry in enumerate(entries)]
    assert [bytes(leaf.hash) for leaf in leaves] == [bytes(entry.leaf) for entry in entries]
    assert not LedgerPending.objects.exists()
    head = LedgerCheckpoint.objects.get()
    tree = CompactRange()
    for leaf in leaves:
        tree.append(bytes(leaf.hash))
    assert (head.size, bytes(head.root), bytes(head.frontier)) == (3, tree.root(), tree.to_bytes())
    text = verify_note(head.note, [Verifier.parse(signing.verifier_key())])
    assert Checkpoint.parse(text) == Checkpoint(signing.origin(), 3, tree.root())


def test_a_limit_leaves_the_rest_for_the_next_run(write: Write) -> None:
    write(5)
    assert [sequence(limit=2), sequence(limit=2), sequence(limit=2), sequence(limit=2)] == [2, 2, 1, 0]
    assert positions() == [0, 1, 2, 3, 4]
    assert [head.size for head in LedgerCheckpoint.objects.order_by("size")] == [2, 4, 5]
    assert verify().is_ok


def test_an_empty_queue_makes_no_checkpoint() -> None:
    assert sequence() == 0
    assert not LedgerCheckpoint.objects.exists()
    assert not Lease.objects.exists()


def test_an_event_with_a_lower_id_that_commits_later_is_not_lost(write: Write) -> None:
    # What a high-water mark would lose: the older event becomes visible after the newer one has its position.
    older, newer = write(2)
    LedgerPending.objects.filter(entry=older).delete()
    assert sequence() == 1
    LedgerPending.objects.create(entry=older)
    assert sequence() == 1
    assert [leaf.entry_id for leaf in LedgerLeaf.objects.order_by("position")] == [newer.id, older.id]
    assert verify().is_ok


def test_a_batch_costs_the_same_statements_whatever_its_size(write: Write) -> None:
    counts = []
    for size in (1, 60):
        write(size)
        with CaptureCount() as counted:
            assert sequence() == size
        counts.append(counted.count)
    write(1)
    assert counts[0] - counts[1] in {0, 1, 2}  # the first run also makes the lease row
    assert counts[1] <= 16


class CaptureCount:
    """Counts the statements of the default connection."""

    def __enter__(self) -> CaptureCount:
        self.count = 0
        self._wrapper = connection.execute_wrapper(self._note)
        self._wrapper.__enter__()
        return self

    def __exit__(self, *failure: Any) -> None:
        self._wrapper.__exit__(*failure)

    def _note(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.count += 1
        return execute(sql, params, many, context)


@pytest.mark.django_db(transaction=True)
def test_killed_at_any_statement_nothing_is_lost_and_nothing_is_placed_twice(write: Write) -> None:
    write(3)
    sequence()
    statement = 0
    while True:
        write(2)
        waiting = LedgerPending.objects.count()
        before = len(positions())
        try:
            with connection.execute_wrapper(KillAt(statement)):
                done = sequence()
        except Killed:
            # All of a batch or nothing of it, and nothing in between.
            assert LedgerPending.objects.count() + len(positions()) == before + waiting == LedgerEntry.objects.count()
            assert LedgerPending.objects.count() in {0, waiting}
            assert LedgerCheckpoint.objects.order_by("-size").values_list("size", flat=True).first() == len(positions())
            Lease.objects.update(expires_at=timezone.now())  # the dead holder's lease runs out
            assert verify().is_ok
        else:
            assert done == waiting
            break
        statement += 1
    assert statement >= 8  # it did go through every step
    assert positions() == list(range(LedgerEntry.objects.count()))
    assert verify().is_ok
    assert not verify().pending


@pytest.mark.django_db(transaction=True)
def test_killed_at_any_statement_a_rerun_gives_the_same_tiles() -> None:
    statement = 0
    while True:
        fill(256 - LedgerPending.objects.count())
        waiting, tiled = LedgerPending.objects.count(), LedgerTile.objects.count()
        try:
            with connection.execute_wrapper(KillAt(statement)):
                done = sequence()
        except Killed:
            # Positions, tiles and checkpoint are one transaction: all of them or none.
            is_done = LedgerPending.objects.count() == 0
            assert require_tiles() == len(positions()) // 256 == (tiled + waiting // 256 if is_done else tiled)
            assert LedgerCheckpoint.objects.filter(size=len(positions())).exists() or not positions()
            Lease.objects.update(expires_at=timezone.now())
        else:
            assert done == waiting
            break
        statement += 1
    assert statement >= 12
    assert require_tiles() == len(positions()) // 256
    assert verify().is_ok


@pytest.mark.django_db(transaction=True)
def test_a_ledger_older_than_its_tiles_gets_them_on_the_next_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiling, "AT_ONCE", 2)
    for _ in range(3):
        fill(300)
        sequence()
    assert require_tiles() == 3
    with lifted(connection):
        LedgerTile.objects.all().delete()
    statement = 0
    while True:  # nothing waits, and it is killed at every statement on the way
        try:
            with connection.execute_wrapper(KillAt(statement)):
                assert sequence() == 0
        except Killed:
            Lease.objects.update(expires_at=timezone.now())
        else:
            break
        statement += 1
    assert require_tiles() == 3
    assert sequence() == 0


@pytest.mark.django_db(transaction=True)
def test_a_leaf_edited_before_its_tile_is_full_is_noticed(caplog: pytest.LogCaptureFixture) -> None:
    fill(255)
    sequence()
    fill(1)
    with lifted(connection):
        LedgerLeaf.objects.filter(position=7).update(hash=b"\1" * 32)
    with pytest.raises(LedgerBroken):
        sequence()
    assert not LedgerTile.objects.exists()
    assert LedgerPending.objects.count() == 1


def test_the_level_above_is_made_of_the_roots_of_full_tiles() -> None:
    roots = [bytes([number]) * 32 for number in range(255)]
    LedgerTile.objects.bulk_create(
        LedgerTile(level=0, number=number, hashes=b"", root=root) for number, root in enumerate(roots)
    )
    leaves = [bytes([7]) * 32] * 256
    last, above = tiling.completed(65_536, leaves)
    assert (last.level, last.number, last.root) == (0, 255, subtree_root(leaves))
    assert (above.level, above.number, above.hashes) == (1, 0, b"".join([*roots, last.root]))
    assert above.root == subtree_root([*roots, last.root])
    assert tiling.read(Tile(1, 0, 9)) == b"".join(roots[:9])


@pytest.mark.django_db(transaction=True)
def test_a_leader_that_slept_past_its_lease_writes_nothing(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write(3)
    prepare = sequencer._prepare  # noqa: SLF001  # the test steps in between reading and committing

    def sleep_while_another_leads(*arguments: Any) -> Any:
        batch = prepare(*arguments)
        monkeypatch.setattr(sequencer, "_prepare", prepare)
        Lease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        assert sequence() == 3
        return batch

    monkeypatch.setattr(sequencer, "_prepare", sleep_while_another_leads)
    assert sequence() == 0
    assert positions() == [0, 1, 2]
    assert verify().is_ok


def test_a_held_lease_keeps_others_out_until_it_expires(write: Write) -> None:
    write(1)
    now = timezone.now()
    fence = lease.acquire(LEASE, period=LEASE_PERIOD, instant=now)
    assert fence is not None
    assert sequence() == 0
    assert lease.acquire(LEASE, period=LEASE_PERIOD, instant=now) is None
    later = now + LEASE_PERIOD
    taken = lease.acquire(LEASE, period=LEASE_PERIOD, instant=later)
    assert taken == fence + 1
    assert not lease.confirm(LEASE, fence)
    lease.release(LEASE, fence)  # the old holder gives back what is no longer its own
    assert lease.confirm(LEASE, taken)
    assert sequence() == 0
    lease.release(LEASE, taken)
    assert sequence() == 1


@pytest.mark.django_db(transaction=True)
def test_a_failing_run_gives_the_lease_back(write: Write) -> None:
    write(1)
    LedgerCheckpoint.objects.create(size=0, root=b"", frontier=b"broken", note="", created_at=timezone.now())
    with pytest.raises(LedgerBroken):
        sequence()
    assert Lease.objects.get().expires_at is None


def test_an_event_that_vanished_before_its_turn_makes_no_checkpoint(write: Write) -> None:
    write(1)
    assert sequence(limit=0) == 0
    assert not LedgerCheckpoint.objects.exists()
    assert sequence() == 1


@pytest.mark.django_db(transaction=True)
def test_it_refuses_to_run_inside_a_business_transaction(write: Write) -> None:
    write(1)
    with pytest.raises(RuntimeError), transaction.atomic():
        sequence()
    assert LedgerPending.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_racing_sequencers_and_writers_never_place_an_event_twice(write: Write) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time; run make test-postgres")
    start = threading.Barrier(6)
    failures: list[BaseException] = []

    def run(work: Any) -> None:
        try:
            start.wait()
            for _ in range(15):
                work()
        except BaseException as failure:  # noqa: BLE001  # a thread must not fail in silence
            failures.append(failure)
        finally:
            connections.close_all()

    works = [lambda: sequence(limit=7)] * 4 + [lambda: write(4)] * 2
    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    while sequence():
        pass
    assert positions() == list(range(120))
    assert LedgerLeaf.objects.values("entry_id").distinct().count() == LedgerEntry.objects.count() == 120
    assert verify().is_ok
