"""Compares stored tiles with the tree that verification recomputes; it holds one tile a level and changes nothing."""

from collections.abc import Iterable

from governance.audit import tiling
from governance.audit.report import Findings, Kind
from governance.crypto.merkle import Node
from governance.crypto.tiles import HEIGHT, WIDTH
from governance.models import LedgerTile

_LEVELS = 8
_READ_AT_ONCE = 64


class TileJudge:
    """Takes every node that the tree completes, and judges a tile when its last one is there.

    A tile of which a part is not seen, after a gap or before the beginning, is not judged.
    """

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.filling: dict[int, tuple[int, bytearray]] = {}
        self.read: dict[tuple[int, int], tuple[bytes, bytes]] = {}
        self.stored = [tiling.stored(level) for level in range(_LEVELS)]

    def take(self, nodes: Iterable[Node]) -> None:
        """Take what one leaf completed, itself first."""
        for level, index, hash_ in nodes:
            if level % HEIGHT:
                continue
            following, data = self.filling.get(level, (-1, bytearray()))
            if index % WIDTH == 0:
                data = bytearray()
            elif index != following:
                continue
            data += hash_
            self.filling[level] = index + 1, data
        # The node above a full tile is the root over it; a leaf completes at most one tile of each level.
        for level, index, root in nodes:
            if level and level % HEIGHT == 0:
                self._judge(level // HEIGHT - 1, index, root)

    def finish(self, size: int) -> None:
        """Name the tiles that stand beyond the tree."""
        for level, stored in enumerate(self.stored):
            if stored > size >> HEIGHT * (level + 1):
                self.findings.add(Kind.TILE_EDITED, None, detail=f"tile {stored - 1} of level {level} beyond the tree")

    def _judge(self, level: int, number: int, root: bytes) -> None:
        following, data = self.filling.get(level * HEIGHT, (-1, bytearray()))
        if following != (number + 1) * WIDTH or len(data) != WIDTH * len(root):
            return
        span = WIDTH ** (level + 1)
        first, last, name = number * span, (number + 1) * span - 1, f"tile {number} of level {level}"
        row = self._row(level, number)
        if row is None:
            # Those at the end are not missing: the sequencer builds them on its next run.
            if number < self.stored[level]:
                self.findings.add(Kind.TILE_REMOVED, first, last, name)
        elif row != (bytes(data), root):
            self.findings.add(Kind.TILE_EDITED, first, last, name)

    def _row(self, level: int, number: int) -> tuple[bytes, bytes] | None:
        if (level, number) not in self.read and number < self.stored[level]:
            found = LedgerTile.objects.filter(level=level, number__gte=number, number__lt=number + _READ_AT_ONCE)
            rows = found.values_list("number", "hashes", "root")
            self.read = {(level, each): (bytes(hashes), bytes(top)) for each, hashes, top in rows}
        return self.read.get((level, number))
