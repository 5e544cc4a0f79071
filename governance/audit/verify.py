"""Recomputes the whole ledger from its payloads and judges every row and checkpoint; it changes nothing.

What it can name: every edit of an event, its columns, its hash or its position, and every removal, by index. An
attacker who rewrites an event together with its hashes leaves only a root that does not fit; then the stretch
between two checkpoints is named, or the index when the events stand out of order.

What it cannot see, because nothing inside a database can: a whole ledger rewritten by somebody who also holds the
signing key, or emptied and queued anew for our own sequencer to sign; a restored older copy; an event removed before
it had a position. Against the first three, keep a checkpoint elsewhere and pass it as `anchor`.

Sealed bodies are not opened to check their commitments: opening is a reveal, with its own policy and audit row.
"""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connections, router
from django.db.models import Exists, Max, Model, OuterRef
from django.utils import timezone

from governance.audit import checkpoint, rows, witnessed
from governance.audit.checkpoint import open_checkpoint
from governance.audit.report import Findings, Kind, Report
from governance.audit.rows import Stretch
from governance.audit.tile_judge import TileJudge
from governance.crypto.errors import NoteRefused
from governance.crypto.merkle import CompactRange
from governance.crypto.notes import Checkpoint
from governance.models import LedgerCheckpoint, LedgerEntry, LedgerLeaf, LedgerPending


def verify(
    *,
    anchor: str | None = None,
    since: str | None = None,
    processes: int | None = 1,
    late_after: timedelta | None = None,
    instant: datetime | None = None,
) -> Report:
    """Verify everything and answer a report; raises BadInput for an anchor that this ledger never signed.

    `since` is a kept checkpoint too: the ledger must extend it, and only what came after it is recomputed. Streams with
    constant memory, beside a running service; None for `processes` takes as many as are worth starting.
    """
    findings = Findings()
    if late_after is None:
        late_after = timedelta(seconds=settings.GOVERNANCE_LEDGER_LATE_SECONDS)
    kept = open_checkpoint(anchor or since or "") if anchor is not None or since is not None else None
    # Positions are read before the newest checkpoint: both commit together, so none can be ahead of it by chance.
    last_position = LedgerLeaf.objects.aggregate(last=Max("position"))["last"]
    size = LedgerCheckpoint.objects.aggregate(size=Max("size"))["size"] or 0
    walk = _Walk(findings, kept, size)
    if since is not None and kept is not None:
        walk.begin_at(kept)
    checkpoints = walk.run(processes)
    if last_position is not None and last_position >= size:
        findings.add(Kind.TAIL_UNSIGNED, size, last_position)
    if kept is not None and kept.size > size:
        findings.add(Kind.TAIL_TRUNCATED, size, kept.size - 1, "the kept checkpoint is longer than the ledger")
    witnessed.judge(findings, size)
    waiting, oldest = _judge_pending(findings)
    late = (instant or timezone.now()) - late_after
    if since is not None or findings.found or not _all_placed():
        _find_unplaced(findings)
    return Report(
        size=size,
        checkpoints=checkpoints,
        pending=waiting,
        oldest_pending=oldest,
        is_late=oldest is not None and oldest < late,
        unwitnessed=witnessed.lacking(size, late),
        problems=tuple(findings.kept),
        found=findings.found,
    )


class _Heads:
    """The checkpoints in order of their sizes, the next of them seen before it is taken."""

    def __init__(self, heads: Iterator[LedgerCheckpoint]) -> None:
        self.heads = heads
        self.next = next(heads, None)
        self.taken = 0

    def due(self, position: float) -> Iterator[LedgerCheckpoint]:
        """Take those that end at or before a position."""
        while self.next is not None and self.next.size <= position:
            head, self.next = self.next, next(self.heads, None)
            self.taken += 1
            yield head


class _Walk:
    """Goes through leaves, tiles and checkpoints side by side. `tree` is None while a gap makes it unknowable."""

    def __init__(self, findings: Findings, kept: Checkpoint | None, size: int) -> None:
        self.findings = findings
        self.kept = kept
        self.size = size
        self.tree: CompactRange | None = CompactRange()
        self.tiles = TileJudge(findings)
        self.start = 0
        self.next_position = 0
        self.is_explained = False
        self.is_cut = False
        self.descent: int | None = None
        self.batch = 0
        self.types: frozenset[int] = frozenset()

    def begin_at(self, kept: Checkpoint) -> None:
        """Begin after a checkpoint that is believed, if the ledger still has it as it was."""
        head = LedgerCheckpoint.objects.filter(size=kept.size).first()
        tree = None if head is None else checkpoint.stored_tree(head)
        if tree is not None and (tree.size, tree.root()) == (kept.size, kept.root):
            self.tree, self.start, self.next_position = tree, kept.size, kept.size

    def run(self, processes: int | None) -> int:
        """Judge everything and answer how many checkpoints there were."""
        found = LedgerCheckpoint.objects.filter(size__gt=self.start, size__lte=self.size).order_by("size")
        heads = _Heads(found.iterator())
        if processes is None:
            processes = rows.sensible_processes(self.size - self.start)
        for stretch in rows.stretches(self.start, self.size, processes=processes):
            self.findings.extend(stretch.findings)
            at = 0
            while at < len(stretch.positions):
                position = stretch.positions[at]
                for head in heads.due(position):
                    self._end(head, is_last=False)
                count = self._together(stretch.positions, at, heads.next)
                self._take(position, count, stretch, at)
                at += count
        for head in heads.due(math.inf):
            self._end(head, is_last=True)
        self.tiles.finish(self.size)
        return heads.taken

    def _together(self, positions: Sequence[int], at: int, head: LedgerCheckpoint | None) -> int:
        """Answer how many positions follow one another, up to where the tree is to be compared with something."""
        begin = positions[at]
        stops = [head.size] if head is not None else []
        if self.kept is not None and begin < self.kept.size:
            stops.append(self.kept.size)
        count = min([len(positions) - at, *(stop - begin for stop in stops)])
        if positions[at + count - 1] - begin + 1 == count:
            return count
        return next(n for n in range(1, count) if positions[at + n] != begin + n)

    def _take(self, position: int, count: int, stretch: Stretch, at: int) -> None:
        if position != self.next_position:
            self._gap(position)
        taken = range(position, position + count)
        if not stretch.explained.isdisjoint(taken):
            self.is_explained = True
        # The sequencer places a batch in order of its ids, so a descent within a stretch marks a swap.
        descents = [each for each in stretch.descents if each in taken and each != self.batch]
        if self.descent is None and descents:
            self.descent = min(descents) - 1
        self.next_position = position + count
        if self.tree is not None:
            self.tiles.take(self.tree.extend(stretch.hashes[at : at + count]))
            if self.kept is not None and self.tree.size == self.kept.size:
                self._compare_kept(self.tree)

    def _end(self, head: LedgerCheckpoint, *, is_last: bool) -> None:
        if self.next_position < head.size and not self.is_cut:
            self._cut(head.size, is_last=is_last)
        self._close(head)

    def _gap(self, until: int) -> None:
        self.findings.add(Kind.LEAF_REMOVED, self.next_position, until - 1)
        self.tree, self.is_explained, self.next_position = None, True, until

    def _cut(self, until: int, *, is_last: bool) -> None:
        """Note that a stretch ends early: by a gap at its end, or because nothing follows at all."""
        if is_last:
            self.is_cut = True
            self.findings.add(Kind.TAIL_TRUNCATED, self.next_position, self.size - 1)
        else:
            self._gap(until)

    def _compare_kept(self, tree: CompactRange) -> None:
        if self.kept is not None and tree.root() != self.kept.root:
            self.findings.add(Kind.HISTORY_REPLACED, 0, self.kept.size - 1, "the kept checkpoint has another root")

    def _close(self, head: LedgerCheckpoint) -> None:
        """Judge a checkpoint at the end of its stretch, and start the next from the tree that was signed."""
        # Ids ascend within a batch, not across.
        self.batch = head.size
        signed = self._signed(head)
        if signed is None:
            # It vouches for nothing: what is wrong before it shows at the next one, so the stretch goes on.
            return
        if not self.is_cut and (self.tree is None or self.tree.root() != signed.root):
            if not self.is_explained:
                self._name_stretch(head.size)
            # Each stretch is judged by itself: one forged event must not make every later checkpoint look forged.
            self.tree = checkpoint.stored_tree(head)
        self.start, self.is_explained, self.descent = head.size, False, None

    def _signed(self, head: LedgerCheckpoint) -> Checkpoint | None:
        """Answer what a checkpoint signs, once its columns and stored tree are that and nothing else."""
        try:
            signed, types = checkpoint.opened_with(head.note)
        except NoteRefused:
            self.findings.add(Kind.CHECKPOINT_FORGED, head.size - 1, detail=f"checkpoint of size {head.size}")
            return None
        # Ledgers begin with the kinds they had; leaving one out later would let the weaker stand alone.
        if not self.types <= types:
            self.findings.add(Kind.SIGNATURE_MISSING, head.size - 1, detail=f"checkpoint of size {head.size}")
        self.types |= types
        tree = checkpoint.stored_tree(head)
        claims = {(head.size, bytes(head.root)), (tree.size, tree.root()) if tree else None}
        if claims == {(signed.size, signed.root)}:
            return signed
        self.findings.add(Kind.CHECKPOINT_EDITED, head.size - 1, detail=f"checkpoint of size {head.size}")
        return None

    def _name_stretch(self, end: int) -> None:
        if self.descent is not None:
            self.findings.add(Kind.ROWS_REORDERED, self.descent)
        else:
            self.findings.add(Kind.ROOT_MISMATCH, self.start, end - 1)


def _all_placed() -> bool:
    """Whether there are as many events as have a position or wait for one: where each of those is there, all of them.

    To count costs a fraction of looking for each. One statement, because an event moves in one transaction.
    """
    counted = [_count(model) for model in (LedgerEntry, LedgerLeaf, LedgerPending)]
    with connections[router.db_for_read(LedgerEntry)].cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(counted)}")
        entries, placed, queued = cursor.fetchone()
    return bool(entries == placed + queued)


def _count(model: type[Model]) -> str:
    return f"(SELECT count(*) FROM {model._meta.db_table})"  # noqa: S608  # a table of ours


def _find_unplaced(findings: Findings) -> None:
    leaf = LedgerLeaf.objects.filter(entry_id=OuterRef("pk"))
    queued = LedgerPending.objects.filter(entry_id=OuterRef("pk"))
    # One statement sees an event either waiting or placed, because it moves in one transaction.
    unplaced = LedgerEntry.objects.filter(~Exists(leaf), ~Exists(queued)).order_by("pk")
    for event_id in unplaced.values_list("pk", flat=True).iterator():
        findings.add(Kind.ENTRY_UNPLACED, None, detail=f"event {event_id}")


def _judge_pending(findings: Findings) -> tuple[int, datetime | None]:
    # The sequencer would stumble over such a row for ever, and nothing of ours writes one.
    for position in LedgerLeaf.objects.filter(entry__pending__isnull=False).values_list("position", flat=True):
        findings.add(Kind.ENTRY_QUEUED_AGAIN, position)
    count = 0
    oldest: datetime | None = None
    for event_id, row in rows.pending():
        count += 1
        if row is None:
            findings.add(Kind.ENTRY_REMOVED, None, detail=f"event {event_id}")
            continue
        rows.judge(row, bytes(row.leaf), None, findings)
        oldest = min(oldest or row.recorded_at, row.recorded_at)
    return count, oldest
