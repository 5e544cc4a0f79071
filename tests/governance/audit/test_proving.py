"""Proofs: each one convinces a verifier that sees nothing but the proof, and nothing is proven that does not hold."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from django.test.utils import CaptureQueriesContext

from governance.audit import proving
from governance.audit.checkpoint import open_checkpoint
from governance.audit.sequencer import sequence
from governance.crypto.errors import ProofRefused
from governance.crypto.merkle import leaf_hash, verify_consistency, verify_inclusion
from governance.errors import Conflict, LedgerBroken, NotFound
from governance.models import LedgerCheckpoint, LedgerEntry, LedgerLeaf, LedgerTile
from tests.governance.audit.test_sequencer import fill
from tests.superuser import lifted

if TYPE_CHECKING:
    from tests.governance.audit.conftest import Write

pytestmark = pytest.mark.django_db


@pytest.fixture
def ledger(write: Write) -> list[LedgerEntry]:
    entries = []
    for count in (1, 4, 6):
        entries += write(count)
        sequence()
    return entries


def test_every_event_is_proven_under_the_newest_checkpoint(ledger: list[LedgerEntry]) -> None:
    for index, entry in enumerate(ledger):
        proof = proving.inclusion(entry.pk)
        head = open_checkpoint(proof.note)
        assert (proof.index, proof.size, head.size) == (index, 11, 11)
        verify_inclusion(leaf_hash(entry.payload.encode()), proof.index, proof.size, proof.path, head.root)
        altered = leaf_hash(entry.payload.replace("purpose", "purposE").encode())
        with pytest.raises(ProofRefused):
            verify_inclusion(altered, proof.index, proof.size, proof.path, head.root)


def test_every_checkpoint_is_proven_to_extend_every_earlier_one(ledger: list[LedgerEntry]) -> None:
    heads = [open_checkpoint(head.note) for head in LedgerCheckpoint.objects.order_by("size")]
    assert [head.size for head in heads] == [1, 5, 11]
    for old in heads:
        for new in heads:
            if old.size > new.size:
                with pytest.raises(NotFound):
                    proving.consistency(old.size, new.size)
                continue
            proof = proving.consistency(old.size, new.size)
            verify_consistency(old.size, new.size, proof.path, old.root, new.root)


def test_what_was_never_signed_is_not_proven(ledger: list[LedgerEntry], write: Write) -> None:
    for sizes in ((0, 10), (2, 11), (5, 12)):
        with pytest.raises(NotFound):
            proving.consistency(*sizes)
    with pytest.raises(NotFound):
        proving.inclusion(uuid.uuid4())
    (waiting,) = write(1)
    with pytest.raises(Conflict):
        proving.inclusion(waiting.pk)


def test_the_newest_checkpoint_is_answered_when_there_is_one(write: Write) -> None:
    assert proving.latest_checkpoint() is None
    write(2)
    sequence()
    newest = proving.latest_checkpoint()
    assert newest is not None
    assert newest.size == 2


@pytest.mark.django_db(transaction=True)
def test_a_ledger_with_a_gap_proves_nothing(ledger: list[LedgerEntry]) -> None:
    from django.db import connection

    with lifted(connection):
        LedgerLeaf.objects.filter(position=3).delete()
        with pytest.raises(LedgerBroken):
            proving.inclusion(ledger[0].pk)
        LedgerCheckpoint.objects.all().delete()
        with pytest.raises(LedgerBroken):
            proving.inclusion(ledger[0].pk)


@pytest.mark.django_db(transaction=True)
def test_proofs_are_made_of_few_tiles_and_of_no_edited_one() -> None:
    from django.db import connection

    fill(700)
    sequence()
    positions = dict(LedgerLeaf.objects.values_list("position", "entry_id"))
    head = open_checkpoint(LedgerCheckpoint.objects.get().note)
    for index in (0, 255, 256, 511, 512, 699):
        proof = proving.receipt(positions[index])
        assert (proof.index, proof.verify(proof.extra or b"", open_checkpoint)) == (index, head)
    with CaptureQueriesContext(connection) as asked:
        proving.inclusion(positions[300])
    # Its place with the head, and every tile at once.
    assert len(asked) == 2
    with lifted(connection):
        tile = LedgerTile.objects.get(number=1)
        LedgerTile.objects.filter(number=1).update(hashes=bytes(tile.hashes)[:-1] + b"\0")
    for index in (300, 400):
        with pytest.raises(LedgerBroken):
            proving.inclusion(positions[index])
    with lifted(connection):
        LedgerTile.objects.filter(number=1).update(hashes=b"")
    with pytest.raises(LedgerBroken):
        proving.inclusion(positions[300])


@pytest.mark.django_db(transaction=True)
def test_a_tile_that_is_still_being_built_is_cut_from_what_lies_below_it() -> None:
    from django.db import connection

    fill(300)
    sequence()
    ids = list(LedgerLeaf.objects.filter(position__in=(3, 280)).order_by("position").values_list("entry_id", flat=True))
    made = [proving.inclusion(event_id) for event_id in ids]
    with lifted(connection):
        LedgerTile.objects.filter(number=0).delete()
    # Its top is gone too, so what needs that proves nothing; the tile's own leaves still do.
    assert proving.inclusion(ids[0]) == made[0]
    with pytest.raises(LedgerBroken):
        proving.inclusion(ids[1])


@pytest.mark.django_db(transaction=True)
def test_an_edited_payload_gets_no_receipt(ledger: list[LedgerEntry]) -> None:
    from django.db import connection

    assert proving.receipt(ledger[3].pk).extra == ledger[3].payload.encode()
    with lifted(connection):
        LedgerEntry.objects.filter(pk=ledger[3].pk).update(payload="{}")
    with pytest.raises(LedgerBroken):
        proving.receipt(ledger[3].pk)
