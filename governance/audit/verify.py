"""Recomputes the whole ledger from its payloads and judges every row and checkpoint; it changes nothing.

What it can name: every edit of an event, its columns, its hash or its position, and every removal, by index. An
attacker who rewrites an event together with its hashes leaves only a root that does not fit; then the stretch
between two checkpoints is named, or the index when the events stand out of order.

What it cannot see, because nothing inside a database can: a whole ledger rewritten by somebody who also holds the
signing key, or emptied and queued anew for our own sequencer to sign; a restored older copy; an event removed before
it had a position. Against the first three, keep a checkpoint elsewhere and pass it as `anchor`.

Sealed bodies are not opened to check their commitments: opening is a reveal, with its own policy and audit row.
"""

from datetime import datetime, timedelta

from django.db.models import Exists, Max, OuterRef
from django.utils import timezone

from governance.audit import checkpoint, rows
from governance.audit.checkpoint import open_checkpoint
from governance.audit.report import Findings, Kind, Report
from governance.audit.rows import Leaf
from governance.crypto.errors import NoteRefused
from governance.crypto.merkle import CompactRange
from governance.crypto.notes import Checkpoint
from governance.models import LedgerCheckpoint, LedgerEntry, LedgerLeaf, LedgerPending

LATE_AFTER = timedelta(minutes=15)


def verify(*, anchor: str | None = None, late_after: timedelta = LATE_AFTER, instant: datetime | None = None) -> Report:
    """Verify everything and answer a report; raises BadInput for an anchor that this ledger never signed.

    Streams in slices with constant memory, beside a running service.
    """
    findings = Findings()
    kept = open_checkpoint(anchor) if anchor is not None else None
    # Positions are read before the newest checkpoint: both commit together, so none can be ahead of it by chance.
    last_position = LedgerLeaf.objects.aggregate(last=Max("position"))["last"]
    size = LedgerCheckpoint.objects.aggregate(size=Max("size"))["size"] or 0
    checkpoints = _Walk(findings, kept, size).run()
    if last_position is not None and last_position >= size:
        findings.add(Kind.TAIL_UNSIGNED, size, last_position)
    if kept is not None and kept.size > size:
        findings.add(Kind.TAIL_TRUNCATED, size, kept.size - 1, "the kept checkpoint is longer than the ledger")
    _find_unplaced(findings)
    waiting, oldest = _judge_pending(findings)
    return Report(
        size=size,
        checkpoints=checkpoints,
        pending=waiting,
        oldest_pending=oldest,
        is_late=oldest is not None and oldest < (instant or timezone.now()) - late_after,
        problems=tuple(findings.kept),
        found=findings.found,
    )


class _Walk:
    """Goes through leaves and checkpoints side by side. `tree` is None while a gap makes it unknowable."""

    def __init__(self, findings: Findings, kept: Checkpoint | None, size: int) -> None:
        self.findings = findings
        self.kept = kept
        self.size = size
        self.tree: CompactRange | None = CompactRange()
        self.start = 0
        self.next_position = 0
        self.is_explained = False
        self.is_cut = False
        self.before: Leaf | None = None
        self.descent: int | None = None

    def run(self) -> int:
        """Judge everything and answer how many checkpoints there were."""
        stream = rows.leaves(self.size)
        leaf = next(stream, None)
        count = 0
        for head in LedgerCheckpoint.objects.filter(size__lte=self.size).order_by("size").iterator():
            while leaf is not None and leaf.position < head.size:
                self._take(leaf)
                leaf = next(stream, None)
            if self.next_position < head.size and not self.is_cut:
                self._cut(head.size, is_last=leaf is None)
            self._close(head)
            count += 1
        return count

    def _take(self, leaf: Leaf) -> None:
        if leaf.position != self.next_position:
            self._gap(leaf.position)
        if leaf.row is None:
            self.findings.add(Kind.ENTRY_REMOVED, leaf.position, detail=f"event {leaf.entry_id}")
        elif not rows.judge(leaf.row, leaf.hash, leaf.position, self.findings):
            self.is_explained = True
        # The sequencer places a batch in order of its ids, so a descent within a stretch marks a swap.
        if self.descent is None and self.before is not None and leaf.entry_id < self.before.entry_id:
            self.descent = self.before.position
        self.before = leaf
        self.next_position = leaf.position + 1
        if self.tree is not None:
            self.tree.append(leaf.hash)
            self._compare_kept(self.tree)

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
        if self.kept is not None and tree.size == self.kept.size and tree.root() != self.kept.root:
            self.findings.add(Kind.HISTORY_REPLACED, 0, self.kept.size - 1, "the kept checkpoint has another root")

    def _close(self, head: LedgerCheckpoint) -> None:
        """Judge a checkpoint at the end of its stretch, and start the next from the tree that was signed."""
        # Ids ascend within a batch, not across.
        self.before = None
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
            signed = checkpoint.opened(head.note)
        except NoteRefused:
            self.findings.add(Kind.CHECKPOINT_FORGED, head.size - 1, detail=f"checkpoint of size {head.size}")
            return None
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


def _find_unplaced(findings: Findings) -> None:
    leaf = LedgerLeaf.objects.filter(entry_id=OuterRef("pk"))
    queued = LedgerPending.objects.filter(entry_id=OuterRef("pk"))
    # One statement sees an event either waiting or placed, because it moves in one transaction.
    unplaced = LedgerEntry.objects.filter(~Exists(leaf), ~Exists(queued)).order_by("pk")
    for event_id in unplaced.values_list("pk", flat=True).iterator():
        findings.add(Kind.ENTRY_UNPLACED, None, detail=f"event {event_id}")
    # The sequencer would stumble over such a row for ever, and nothing of ours writes one.
    for position in LedgerLeaf.objects.filter(entry__pending__isnull=False).values_list("position", flat=True):
        findings.add(Kind.ENTRY_QUEUED_AGAIN, position)


def _judge_pending(findings: Findings) -> tuple[int, datetime | None]:
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
