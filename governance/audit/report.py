"""What verification found, as values; it verifies nothing and prints nothing."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

#: A forged ledger can have a problem at every index; the first ones say enough and memory stays constant.
KEPT = 100


class Kind(StrEnum):
    """What is wrong, named for what somebody did."""

    CHECKPOINT_EDITED = "checkpoint edited"  # its columns are not what its note says
    CHECKPOINT_FORGED = "checkpoint forged"  # its note is not signed by this ledger's key
    COLUMN_EDITED = "column edited"  # a column says something else than the payload
    COSIGNATURE_FORGED = "cosignature forged"  # kept as a witness's, and not made by it over this checkpoint
    ENTRY_QUEUED_AGAIN = "entry queued again"  # an event that has a position and waits for one
    ENTRY_REMOVED = "entry removed"  # a position without its event
    ENTRY_UNPLACED = "entry unplaced"  # an event that neither waits nor has a position: its leaf was removed
    HISTORY_REPLACED = "history replaced"  # the ledger does not extend a checkpoint that was kept outside
    LEAF_DIFFERS = "leaf differs"  # event and leaf column agree; the hash at the position is another
    LEAF_REMOVED = "leaf removed"  # positions are missing
    PAYLOAD_EDITED = "payload edited"  # the event is not what was hashed
    ROOT_MISMATCH = "root mismatch"  # consistent rows that are not what was signed
    ROWS_REORDERED = "rows reordered"  # the same, and the place shows: events stand out of order
    SIGNATURE_MISSING = "signature missing"  # a checkpoint lacks a kind of signature that an earlier one has
    TAIL_TRUNCATED = "tail truncated"  # the newest positions are missing
    TAIL_UNSIGNED = "tail unsigned"  # positions beyond the newest checkpoint
    TILE_EDITED = "tile edited"  # a stored tile is not what its leaves give
    TILE_REMOVED = "tile removed"  # a tile that the tree has and the table not
    WITNESS_CONFLICT = "witness conflict"  # a witness holds a checkpoint that this ledger does not extend


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding. `index` is the position concerned, with `last` the first and last; None when it has none."""

    kind: Kind
    index: int | None
    last: int | None = None
    detail: str = ""

    def __str__(self) -> str:
        if self.index is None:
            place = "without a position"
        elif self.last is None or self.last == self.index:
            place = f"at index {self.index}"
        else:
            place = f"at index {self.index} to {self.last}"
        return f"{self.kind} {place}" + (f": {self.detail}" if self.detail else "")


@dataclass(frozen=True, slots=True)
class Report:
    """The answer of verify(). `problems` holds the first ones, `found` counts all of them."""

    size: int
    checkpoints: int
    pending: int
    oldest_pending: datetime | None
    is_late: bool
    problems: tuple[Problem, ...]
    found: int
    #: A checkpoint that the witnesses' quorum should have cosigned by now, and did not; nor any later one.
    unwitnessed: int | None = None

    @property
    def is_ok(self) -> bool:
        """Whether everything that has a position holds. Late events are not broken: they cannot be verified yet.

        Nor is what lacks witnesses: it may be whole, and only our own word says so.
        """
        return self.found == 0


class Findings:
    """Collects problems in constant memory."""

    def __init__(self) -> None:
        self.kept: list[Problem] = []
        self.found = 0

    def add(self, kind: Kind, index: int | None, last: int | None = None, detail: str = "") -> None:
        self.found += 1
        if len(self.kept) < KEPT:
            self.kept.append(Problem(kind, index, last, detail))

    def extend(self, others: "Findings") -> None:
        """Add what was found elsewhere."""
        for problem in others.kept:
            self.add(problem.kind, problem.index, problem.last, problem.detail)
        self.found += others.found - len(others.kept)
