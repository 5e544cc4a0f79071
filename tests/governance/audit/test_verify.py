"""Attacks on the ledger by somebody whom no trigger stops: verify() names what was done, and where."""

from __future__ import annotations

import base64
import json
import os
from datetime import timedelta
from io import StringIO
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from governance.audit import proving, rows
from governance.audit.report import KEPT, Kind
from governance.audit.sequencer import sequence
from governance.audit.verify import verify
from governance.crypto.merkle import CompactRange, leaf_hash
from governance.crypto.notes import Checkpoint, sign_note
from governance.errors import BadInput, LedgerBroken
from governance.keys import signing
from governance.models import LedgerCheckpoint, LedgerEntry, LedgerLeaf, LedgerPending, LedgerTile
from tests.governance.audit.test_sequencer import fill
from tests.superuser import database_url, unchecked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from governance.audit.report import Report
    from tests.governance.audit.conftest import Write

# Foreign keys are lifted too, which SQLite does outside transactions only; PostgreSQL is spared the slow flush.
pytestmark = pytest.mark.django_db(transaction=connection.vendor == "sqlite")


@pytest.fixture
def ledger(write: Write) -> list[LedgerEntry]:
    """Nine events under three checkpoints of three each."""
    entries = []
    for _ in range(3):
        entries += write(3)
        sequence()
    return entries


@pytest.fixture
def superuser(ledger: list[LedgerEntry]) -> Iterator[None]:
    assert verify().is_ok
    with unchecked(connection):
        yield


def execute(sql: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def stored(entry: LedgerEntry) -> Any:
    return LedgerEntry._meta.pk.get_db_prep_value(entry.pk, connection)


def found(report: Report | None = None) -> list[tuple[Kind, int | None, int | None]]:
    return [(problem.kind, problem.index, problem.last) for problem in (report or verify()).problems]


def test_an_untouched_ledger_holds(ledger: list[LedgerEntry], write: Write) -> None:
    write(2)
    report = verify()
    assert report.is_ok
    assert (report.size, report.checkpoints, report.pending, report.found) == (9, 3, 2, 0)
    assert not report.is_late
    assert report.oldest_pending is not None


def test_an_empty_ledger_holds() -> None:
    report = verify()
    assert (report.is_ok, report.size, report.oldest_pending) == (True, 0, None)


@pytest.mark.usefixtures("superuser")
def test_an_edited_payload_is_named(ledger: list[LedgerEntry]) -> None:
    payload = ledger[4].payload.replace("purpose.changed", "system.changed")
    execute(
        "UPDATE governance_ledgerentry SET payload = %s, type = %s WHERE id = %s",
        payload,
        "system.changed",
        stored(ledger[4]),
    )
    assert found() == [(Kind.PAYLOAD_EDITED, 4, None)]


@pytest.mark.usefixtures("superuser")
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("type", "system.changed"),
        ("actor_ref", "staff:somebody-else"),
        ("subject_ref", "p:00"),
        ("object_ref", "purpose:other"),
        ("recorded_at", timezone.now() - timedelta(days=1)),
        ("controller", None),
        ("leaf", b"\0" * 32),
    ],
)
def test_an_edited_column_is_named(ledger: list[LedgerEntry], column: str, value: Any) -> None:
    LedgerEntry.objects.filter(pk=ledger[5].pk).update(**{column: value})
    assert found() == [(Kind.COLUMN_EDITED, 5, None)]
    assert column in verify().problems[0].detail


@pytest.mark.usefixtures("superuser")
def test_a_payload_edited_with_its_leaf_is_named(ledger: list[LedgerEntry]) -> None:
    payload = ledger[4].payload.replace('"version":1', '"version":9')
    leaf = leaf_hash(payload.encode())
    execute("UPDATE governance_ledgerentry SET payload = %s, leaf = %s WHERE id = %s", payload, leaf, stored(ledger[4]))
    assert found() == [(Kind.LEAF_DIFFERS, 4, None)]


@pytest.mark.usefixtures("superuser")
@pytest.mark.parametrize("hash_", [b"", b"\1" * 31, b"\1" * 33])
def test_a_hash_of_another_length_is_named_and_shifts_no_other(hash_: bytes) -> None:
    execute("UPDATE governance_ledgerleaf SET hash = %s WHERE position = 4", hash_)
    assert found() == [(Kind.LEAF_DIFFERS, 4, None)]


@pytest.mark.usefixtures("superuser")
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("object_ref", 'purpose:other","purpose":"'),
        ("actor_ref", 'staff:x","body_commit":null,"class":3004,"controller":null'),
        ("subject_ref", "p:1\n"),
    ],
)
def test_a_column_that_brings_the_next_field_along_is_named(ledger: list[LedgerEntry], column: str, value: str) -> None:
    LedgerEntry.objects.filter(pk=ledger[5].pk).update(**{column: value})
    assert found() == [(Kind.COLUMN_EDITED, 5, None)]


@pytest.mark.usefixtures("superuser")
def test_an_event_rewritten_with_all_its_hashes_is_confined_to_its_stretch(ledger: list[LedgerEntry]) -> None:
    payload = ledger[4].payload.replace('"version":1', '"version":9')
    leaf = leaf_hash(payload.encode())
    execute("UPDATE governance_ledgerentry SET payload = %s, leaf = %s WHERE id = %s", payload, leaf, stored(ledger[4]))
    execute("UPDATE governance_ledgerleaf SET hash = %s WHERE position = 4", leaf)
    assert found() == [(Kind.ROOT_MISMATCH, 3, 5)]


@pytest.mark.usefixtures("superuser")
@pytest.mark.parametrize("index", [0, 4, 8])
def test_a_removed_event_is_named(ledger: list[LedgerEntry], index: int) -> None:
    execute("DELETE FROM governance_ledgerentry WHERE id = %s", stored(ledger[index]))
    assert found() == [(Kind.ENTRY_REMOVED, index, None)]


@pytest.mark.usefixtures("superuser")
@pytest.mark.parametrize("index", [0, 2, 4, 6])
def test_a_removed_leaf_is_named_with_its_event(ledger: list[LedgerEntry], index: int) -> None:
    execute("DELETE FROM governance_ledgerleaf WHERE position = %s", index)
    assert found() == [(Kind.LEAF_REMOVED, index, index), (Kind.ENTRY_UNPLACED, None, None)]
    assert str(ledger[index].pk) in verify().problems[1].detail
    execute("DELETE FROM governance_ledgerentry WHERE id = %s", stored(ledger[index]))
    assert found() == [(Kind.LEAF_REMOVED, index, index)]


@pytest.mark.usefixtures("superuser")
def test_two_swapped_events_are_named(ledger: list[LedgerEntry]) -> None:
    for old, new in ((3, 1000), (4, 3), (1000, 4)):
        execute("UPDATE governance_ledgerleaf SET position = %s WHERE position = %s", new, old)
    assert found() == [(Kind.ROWS_REORDERED, 3, None)]


@pytest.mark.usefixtures("superuser")
def test_events_swapped_between_stretches_are_named(ledger: list[LedgerEntry]) -> None:
    for old, new in ((1, 1000), (7, 1), (1000, 7)):
        execute("UPDATE governance_ledgerleaf SET position = %s WHERE position = %s", new, old)
    assert found() == [(Kind.ROWS_REORDERED, 1, None), (Kind.ROWS_REORDERED, 6, None)]


@pytest.mark.usefixtures("superuser")
def test_events_that_changed_their_contents_are_named(ledger: list[LedgerEntry]) -> None:
    for entry, other in ((ledger[1], ledger[7]), (ledger[7], ledger[1])):
        execute(
            "UPDATE governance_ledgerentry SET payload = %s, leaf = %s WHERE id = %s",
            other.payload,
            bytes(other.leaf),
            stored(entry),
        )
    assert [(kind, index) for kind, index, _ in found()] == [(Kind.LEAF_DIFFERS, 1), (Kind.LEAF_DIFFERS, 7)]


@pytest.mark.usefixtures("superuser")
@pytest.mark.parametrize("length", [8, 4, 0])
def test_a_truncated_tail_is_named(ledger: list[LedgerEntry], length: int) -> None:
    execute("DELETE FROM governance_ledgerleaf WHERE position >= %s", length)
    for entry in ledger[length:]:
        execute("DELETE FROM governance_ledgerentry WHERE id = %s", stored(entry))
    assert found() == [(Kind.TAIL_TRUNCATED, length, 8)]


@pytest.mark.usefixtures("superuser")
def test_a_tail_truncated_with_its_checkpoints_shows_against_a_kept_checkpoint(ledger: list[LedgerEntry]) -> None:
    kept = [head.note for head in LedgerCheckpoint.objects.order_by("size")]
    execute("DELETE FROM governance_ledgerleaf WHERE position >= 6")
    execute("DELETE FROM governance_ledgercheckpoint WHERE size > 6")
    assert found() == [(Kind.ENTRY_UNPLACED, None, None)] * 3
    for entry in ledger[6:]:
        execute("DELETE FROM governance_ledgerentry WHERE id = %s", stored(entry))
    assert verify().is_ok  # a restored older copy: nothing inside can tell
    assert verify(anchor=kept[1]).is_ok
    assert found(verify(anchor=kept[2])) == [(Kind.TAIL_TRUNCATED, 6, 8)]


@pytest.mark.usefixtures("superuser")
def test_history_rewritten_with_the_signing_key_shows_against_a_kept_checkpoint(ledger: list[LedgerEntry]) -> None:
    kept = LedgerCheckpoint.objects.get(size=6).note
    payload = ledger[1].payload.replace('"version":1', '"version":9')
    LedgerEntry.objects.filter(pk=ledger[1].pk).update(payload=payload, leaf=leaf_hash(payload.encode()))
    LedgerLeaf.objects.filter(position=1).update(hash=leaf_hash(payload.encode()))
    LedgerCheckpoint.objects.all().delete()
    tree = CompactRange()
    for leaf in LedgerLeaf.objects.order_by("position"):
        tree.append(bytes(leaf.hash))
    note = signing.sign_checkpoint(Checkpoint(signing.origin(), 9, tree.root()).text)
    LedgerCheckpoint.objects.create(
        size=9, root=tree.root(), frontier=tree.to_bytes(), note=note, created_at=timezone.now()
    )
    assert verify().is_ok  # whoever holds the key can do this; only somebody else's copy tells
    assert found(verify(anchor=kept)) == [(Kind.HISTORY_REPLACED, 0, 5)]


def test_an_anchor_must_be_a_checkpoint_of_this_ledger(ledger: list[LedgerEntry]) -> None:
    stranger = sign_note(Checkpoint(signing.origin(), 9, b"\1" * 32).text, signing.origin(), b"\7" * 32)
    other = signing.sign_checkpoint(Checkpoint("another.example/log", 9, b"\1" * 32).text)
    for anchor in ("", "nonsense", stranger, other):
        with pytest.raises(BadInput):
            verify(anchor=anchor)


@pytest.mark.usefixtures("superuser")
def test_a_replaced_checkpoint_is_named(ledger: list[LedgerEntry]) -> None:
    text = Checkpoint(signing.origin(), 6, b"\1" * 32).text
    forged = sign_note(text, signing.origin(), b"\7" * 32)
    LedgerCheckpoint.objects.filter(size=6).update(note=forged, root=b"\1" * 32)
    assert found() == [(Kind.CHECKPOINT_FORGED, 5, None)]
    LedgerCheckpoint.objects.filter(size=6).update(note="nonsense")
    assert found() == [(Kind.CHECKPOINT_FORGED, 5, None)]
    other = signing.sign_checkpoint(Checkpoint("another.example/log", 6, b"\1" * 32).text)
    LedgerCheckpoint.objects.filter(size=6).update(note=other)
    assert found() == [(Kind.CHECKPOINT_FORGED, 5, None)]


@pytest.mark.usefixtures("superuser")
def test_a_checkpoint_swapped_for_another_or_edited_is_named(ledger: list[LedgerEntry]) -> None:
    head = LedgerCheckpoint.objects.get(size=6)
    LedgerCheckpoint.objects.filter(size=6).update(root=b"\1" * 32)
    assert found() == [(Kind.CHECKPOINT_EDITED, 5, None)]
    LedgerCheckpoint.objects.filter(size=6).update(root=head.root, note=LedgerCheckpoint.objects.get(size=3).note)
    assert found() == [(Kind.CHECKPOINT_EDITED, 5, None)]


@pytest.mark.usefixtures("superuser")
@pytest.mark.parametrize("frontier", [b"", b"x" * 40, CompactRange().to_bytes()])
def test_an_edited_stored_tree_is_named_and_never_extended(
    ledger: list[LedgerEntry], write: Write, frontier: bytes
) -> None:
    LedgerCheckpoint.objects.filter(size=9).update(frontier=frontier)
    write(1)
    with pytest.raises(LedgerBroken):
        sequence()
    assert found() == [(Kind.CHECKPOINT_EDITED, 8, None)]


@pytest.mark.usefixtures("superuser")
def test_a_forged_tree_does_not_get_our_signature(ledger: list[LedgerEntry], write: Write) -> None:
    forged = CompactRange()
    for _ in range(9):
        forged.append(b"\1" * 32)
    LedgerCheckpoint.objects.filter(size=9).update(frontier=forged.to_bytes(), root=forged.root())
    write(1)
    with pytest.raises(LedgerBroken):
        sequence()
    note = sign_note(Checkpoint(signing.origin(), 9, forged.root()).text, signing.origin(), b"\7" * 32)
    LedgerCheckpoint.objects.filter(size=9).update(note=note)
    with pytest.raises(LedgerBroken):
        sequence()
    assert LedgerCheckpoint.objects.count() == 3


@pytest.mark.usefixtures("superuser")
def test_a_forged_checkpoint_does_not_hide_what_was_rewritten_before_it(ledger: list[LedgerEntry]) -> None:
    payload = ledger[4].payload.replace('"version":1', '"version":9')
    LedgerEntry.objects.filter(pk=ledger[4].pk).update(payload=payload, leaf=leaf_hash(payload.encode()))
    LedgerLeaf.objects.filter(position=4).update(hash=leaf_hash(payload.encode()))
    LedgerCheckpoint.objects.filter(size=6).update(note="nonsense")
    assert found() == [(Kind.CHECKPOINT_FORGED, 5, None), (Kind.ROOT_MISMATCH, 3, 8)]


@pytest.mark.usefixtures("superuser")
def test_positions_beyond_the_newest_checkpoint_are_named(ledger: list[LedgerEntry]) -> None:
    execute("DELETE FROM governance_ledgercheckpoint WHERE size = 9")
    assert found() == [(Kind.TAIL_UNSIGNED, 6, 8)]


@pytest.mark.usefixtures("superuser")
def test_one_forged_event_does_not_make_later_stretches_look_forged(ledger: list[LedgerEntry]) -> None:
    execute("UPDATE governance_ledgerleaf SET hash = %s WHERE position = 0", b"\0" * 32)
    execute("DELETE FROM governance_ledgerentry WHERE id = %s", stored(ledger[7]))
    assert [(kind, index) for kind, index, _ in found()] == [(Kind.LEAF_DIFFERS, 0), (Kind.ENTRY_REMOVED, 7)]


@pytest.mark.usefixtures("superuser")
def test_a_waiting_event_is_judged_too(ledger: list[LedgerEntry], write: Write) -> None:
    edited, _whole, removed = write(3)
    LedgerEntry.objects.filter(pk=edited.pk).update(payload="{}")
    execute("DELETE FROM governance_ledgerentry WHERE id = %s", stored(removed))
    assert found() == [(Kind.PAYLOAD_EDITED, None, None), (Kind.ENTRY_REMOVED, None, None)]


@pytest.mark.usefixtures("superuser")
def test_an_event_queued_again_is_named(ledger: list[LedgerEntry]) -> None:
    LedgerPending.objects.create(entry=ledger[2])
    assert found() == [(Kind.ENTRY_QUEUED_AGAIN, 2, None)]


@pytest.mark.usefixtures("superuser")
@pytest.mark.parametrize("payload", ["", "[]", "null", '{"v":1}', '{"time":7}'])
def test_a_payload_that_is_no_event_is_named(ledger: list[LedgerEntry], payload: str) -> None:
    leaf = leaf_hash(payload.encode())
    LedgerEntry.objects.filter(pk=ledger[0].pk).update(payload=payload, leaf=leaf)
    LedgerLeaf.objects.filter(position=0).update(hash=leaf)
    assert (Kind.COLUMN_EDITED, 0, None) in found()
    assert (Kind.ROOT_MISMATCH, 0, 2) in found()


@pytest.mark.usefixtures("superuser")
def test_what_is_kept_of_a_ruined_ledger_is_bounded_and_everything_is_counted(write: Write) -> None:
    write(KEPT + 20)
    sequence()
    LedgerEntry.objects.update(payload="{}")
    report = verify()
    assert report.found == KEPT + 29
    assert len(report.problems) == KEPT


def test_events_that_wait_too_long_are_reported_as_late(ledger: list[LedgerEntry], write: Write) -> None:
    (entry,) = write(1)
    assert not verify().is_late
    late = verify(instant=entry.recorded_at + timedelta(minutes=15, seconds=1))
    assert (late.is_late, late.is_ok, late.oldest_pending) == (True, True, entry.recorded_at)


def test_swapped_keys_are_named(ledger: list[LedgerEntry], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever puts another key file there makes every checkpoint a stranger's, and signs no further."""
    from governance.crypto import keyring
    from governance.keys import signing as signer

    keyring.generate(tmp_path / "other")
    seeds = [entry.key for entry in keyring.load(str(tmp_path / "other")).usable(keyring.Kind.SIGN)]
    other = SimpleNamespace(signing_seeds=lambda: tuple(seeds))
    monkeypatch.setattr(signer, "provider", lambda: other)
    assert found() == [(Kind.CHECKPOINT_FORGED, index, None) for index in (2, 5, 8)]
    fill(1)
    with pytest.raises(LedgerBroken):
        sequence()


@pytest.fixture
def tiled(write: Write) -> None:
    """A ledger of two full tiles and a bit."""
    for _ in range(2):
        fill(300)
        sequence()
    assert verify().is_ok


@pytest.mark.usefixtures("tiled")
@pytest.mark.parametrize("column", ["hashes", "root"])
def test_an_edited_tile_is_named(column: str) -> None:
    with unchecked(connection):
        LedgerTile.objects.filter(number=1).update(**{column: b"\1" * 32})
        assert found() == [(Kind.TILE_EDITED, 256, 511)]


@pytest.mark.usefixtures("tiled")
def test_removed_and_added_tiles_are_named() -> None:
    with unchecked(connection):
        LedgerTile.objects.filter(number=0).delete()
        assert found() == [(Kind.TILE_REMOVED, 0, 255)]
        LedgerTile.objects.create(level=0, number=9, hashes=b"", root=b"")
        assert (Kind.TILE_EDITED, None, None) in found()
        LedgerTile.objects.all().delete()
        assert verify().is_ok  # as in a ledger from before the tiles: the next run of the sequencer builds them


@pytest.mark.usefixtures("tiled")
def test_a_tile_edited_together_with_its_leaf_does_not_hide_it() -> None:
    with unchecked(connection):
        tile = LedgerTile.objects.get(number=0)
        hashes = b"\1" * 32 + bytes(tile.hashes)[32:]
        LedgerTile.objects.filter(number=0).update(hashes=hashes)
        LedgerLeaf.objects.filter(position=0).update(hash=b"\1" * 32)
        assert (Kind.LEAF_DIFFERS, 0, None) in found()


@pytest.mark.usefixtures("superuser")
def test_a_checkpoint_that_lacks_a_kind_of_signature_is_named(ledger: list[LedgerEntry]) -> None:
    note = LedgerCheckpoint.objects.get(size=9).note
    LedgerCheckpoint.objects.filter(size=9).update(note="".join(note.splitlines(keepends=True)[:-1]))
    assert found() == [(Kind.SIGNATURE_MISSING, 8, None)]


@pytest.mark.usefixtures("superuser")
def test_since_a_checkpoint_only_what_came_after_is_judged(ledger: list[LedgerEntry]) -> None:
    kept = LedgerCheckpoint.objects.get(size=6).note
    LedgerEntry.objects.filter(pk=ledger[1].pk).update(payload="{}")
    LedgerEntry.objects.filter(pk=ledger[7].pk).update(payload="{}")
    assert found(verify(since=kept)) == [(Kind.PAYLOAD_EDITED, 7, None)]
    assert verify(since=kept).checkpoints == 1
    # A ledger that no longer has the checkpoint is recomputed from its beginning.
    LedgerCheckpoint.objects.filter(size=6).delete()
    assert found(verify(since=kept)) == [(Kind.PAYLOAD_EDITED, 1, None), (Kind.PAYLOAD_EDITED, 7, None)]


@pytest.mark.django_db(transaction=True)
def test_several_processes_find_the_same(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "SPAN", 7)
    # Other processes read the settings anew, so they are told which database the tests use.
    monkeypatch.setenv("DATABASE_URL", database_url())
    write(40)
    while sequence(limit=11):
        pass
    with unchecked(connection):
        entries = list(LedgerEntry.objects.order_by("leaf_row__position"))
        LedgerEntry.objects.filter(pk=entries[13].pk).update(payload="{}")
        LedgerLeaf.objects.filter(position=30).delete()
        alone = found()
        assert found(verify(processes=2)) == alone
        assert (Kind.PAYLOAD_EDITED, 13, None) in alone
        # Nobody named a number: a long ledger gets what the machine has, and the same is found.
        monkeypatch.setattr(rows, "WORTH_PROCESSES", 40)
        monkeypatch.setattr(os, "cpu_count", lambda: 4)
        assert found(verify(processes=None)) == alone


@pytest.mark.parametrize(("processors", "expected"), [(1, 1), (2, 1), (3, 3), (4, 4), (64, 4), (None, 1)])
def test_a_long_ledger_is_judged_by_several_processes_and_a_short_one_by_one(
    processors: int | None, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    assert rows.sensible_processes(rows.WORTH_PROCESSES) == expected
    assert rows.sensible_processes(rows.WORTH_PROCESSES - 1) == 1


# --- The command ----------------------------------------------------------------------------------------------------


def run(*arguments: str) -> tuple[int, str]:
    """Answer exit code and everything that was printed."""
    out, err = StringIO(), StringIO()
    try:
        call_command("verify_audit", *arguments, stdout=out, stderr=err)
    except CommandError as error:
        return error.returncode, out.getvalue() + err.getvalue() + str(error)
    return 0, out.getvalue() + err.getvalue()


def test_the_command_says_that_the_ledger_holds(ledger: list[LedgerEntry], tmp_path: Path) -> None:
    code, said = run()
    assert code == 0
    assert "9 events under 3 signed checkpoints; 0 wait" in said
    anchor = tmp_path / "checkpoint"
    anchor.write_text(LedgerCheckpoint.objects.get(size=3).note, encoding="utf-8")
    assert run("--anchor", str(anchor))[0] == 0


@pytest.mark.usefixtures("superuser")
def test_the_command_names_the_index_and_fails(ledger: list[LedgerEntry]) -> None:
    execute("UPDATE governance_ledgerentry SET payload = 'x' WHERE id = %s", stored(ledger[4]))
    code, said = run()
    assert code == 1
    assert "payload edited at index 4: event" in said
    execute("DELETE FROM governance_ledgerleaf WHERE position >= 5")
    assert "tail truncated at index 5 to 8" in run()[1]
    assert "entry unplaced without a position" in run()[1]


@pytest.mark.usefixtures("superuser")
def test_the_command_prints_the_first_problems_and_counts_the_rest(write: Write) -> None:
    write(KEPT)
    sequence()
    LedgerEntry.objects.update(payload="{}")
    assert "and 9 more" in run()[1]


def test_the_command_tells_what_it_could_not_verify(
    ledger: list[LedgerEntry], write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = tmp_path / "nothing"
    assert run("--anchor", str(missing))[0] == 2
    missing.write_text("no checkpoint", encoding="utf-8")
    assert run("--anchor", str(missing))[0] == 2
    write(1)
    code, said = run("--late-after", "0")
    assert code == 2
    assert "sequencer" in said
    assert run()[0] == 0
    from governance.keys import providers

    monkeypatch.setattr(settings, "GOVERNANCE_KEY_FILE", str(tmp_path / "no-keys"))
    providers.start_anew()
    try:
        assert run()[0] == 2
    finally:
        monkeypatch.undo()
        providers.start_anew()


# --- Proofs ---------------------------------------------------------------------------------------------------------


def test_the_text_form_of_a_proof_is_a_tlog_proof(ledger: list[LedgerEntry]) -> None:
    proof = proving.inclusion(ledger[4].pk)
    lines = proof.text.split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 4"]
    blank = lines.index("")
    assert [base64.b64decode(line) for line in lines[2:blank]] == list(proof.path)
    assert "\n".join(lines[blank + 1 :]) == LedgerCheckpoint.objects.get(size=9).note
    assert json.loads(ledger[4].payload)["id"] == str(ledger[4].pk)
