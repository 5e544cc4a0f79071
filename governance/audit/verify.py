"""Recomputes the whole ledger from its payloads and judges every row and checkpoint; it changes nothing.

What it can name: every edit of an event, its columns, its hash or its position, and every removal, by index. An
attacker who rewrites an event together with its hashes leaves only a root that does not fit; then the stretch
between two checkpoints is named, or the index when the events stand out of order.

What it cannot see, because nothing inside a database can: a whole ledger rewritten by somebody who also holds the
signing key, an event removed before it had a position, and a restored older copy. Against the last and the first,
keep a checkpoint elsewhere and pass it as `anchor`.

Sealed bodies are not opened to check their commitments: opening is a reveal, with its own policy and audit row.
"""

from datetime import datetime, timedelta

from django.db.models import Exists, Max, OuterRef
from django.utils import timezone

from governance.audit import rows
from governance.audit.report import Findings, Kind, Report
from governance.audit.rows import Leaf
from governance.crypto.errors import NoteRefused, ProofRefused
from governance.crypto.merkle import CompactRange
from governance.crypto.notes import Checkpoint, Verifier, verify_note
from governance.errors import BadInput
from governance.keys import signing
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


def open_checkpoint(note: str) -> Checkpoint:
    """Answer what a checkpoint note claims; raises BadInput when this ledger's key did not sign it."""
    try:
        return _opened(note)
    except NoteRefused as refused:
        message = f"This is not a checkpoint of this ledger. {refused}"
        raise BadInput(message) from refused


def _opened(note: str) -> Checkpoint:
    checkpoint = Checkpoint.parse(verify_note(note, [Verifier.parse(signing.verifier_key())]))
    # One key can sign for several logs; another log's head must not pass for ours.
    if checkpoint.origin != signing.origin():
        raise NoteRefused("The checkpoint belongs to another log.")
    return checkpoint


class _Walk:
    """Goes through leaves and checkpoints side by side. `tree` is None while a gap makes it unknowable."""

    def __init__(self, findings: Findings, kept: Checkpoint | None, size: int) -> None:
        self.findings = findings
        self.kept = kept
        self.size = size
        self.tree: CompactRange | None = CompactRange()
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
        start = 0
        for head in LedgerCheckpoint.objects.filter(size__lte=self.size).order_by("size").iterator():
            while leaf is not None and leaf.position < head.size:
                self._take(leaf)
                leaf = next(stream, None)
            if self.next_position < head.size and not self.is_cut:
                self._cut(head.size, is_last=leaf is None)
            self._close(head, start)
            count, start = count + 1, head.size
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

    def _close(self, head: LedgerCheckpoint, start: int) -> None:
        """Judge a checkpoint at the end of its stretch, and start the next from the tree that was signed."""
        signed = self._signed(head)
        if signed is not None and not self.is_cut and (self.tree is None or self.tree.root() != signed.root):
            if not self.is_explained:
                self._name_stretch(start, head.size)
            # Each stretch is judged by itself: one forged event must not make every later checkpoint look forged.
            self.tree = self._restart(head, signed)
        self.is_explained, self.before, self.descent = False, None, None

    def _signed(self, head: LedgerCheckpoint) -> Checkpoint | None:
        try:
            signed = _opened(head.note)
        except NoteRefused:
            self.findings.add(Kind.CHECKPOINT_FORGED, head.size - 1, detail=f"checkpoint of size {head.size}")
            return None
        if (signed.size, signed.root) == (head.size, bytes(head.root)):
            return signed
        self.findings.add(Kind.CHECKPOINT_EDITED, head.size - 1, detail=f"checkpoint of size {head.size}")
        return signed if signed.size == head.size else None

    def _name_stretch(self, start: int, end: int) -> None:
        if self.descent is not None:
            self.findings.add(Kind.ROWS_REORDERED, self.descent)
        else:
            self.findings.add(Kind.ROOT_MISMATCH, start, end - 1)

    def _restart(self, head: LedgerCheckpoint, signed: Checkpoint) -> CompactRange | None:
        try:
            tree = CompactRange.from_bytes(bytes(head.frontier))
        except ProofRefused:
            return None
        return tree if (tree.size, tree.root()) == (signed.size, signed.root) else None


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
