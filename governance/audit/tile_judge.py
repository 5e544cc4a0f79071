"""Compares stored tiles with the tree that verification recomputes; it holds one tile a level and changes nothing."""

from collections.abc import Sequence

from governance.audit import tiling
from governance.audit.report import Findings, Kind
from governance.crypto.merkle import HASH_LENGTH, Run
from governance.crypto.tiles import HEIGHT, WIDTH
from governance.models import LedgerTile

_LEVELS = 8
_READ_AT_ONCE = 64


class TileJudge:
    """Takes the nodes that the tree completes, and judges a tile when its last one is there.

    A tile of which a part is not seen, after a gap or before the beginning, is not judged.
    """

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.filling: dict[int, tuple[int, bytes]] = {}
        self.read: dict[tuple[int, int], tuple[bytes, bytes]] = {}
        self.stored = [tiling.stored(level) for level in range(_LEVELS)]

    def take(self, runs: Sequence[Run]) -> None:
        """Take what some leaves completed, themselves first."""
        tops = {level: (index, nodes) for level, index, nodes in runs}
        for level, index, nodes in runs:
            if level % HEIGHT == 0:
                # The node above a full tile is the root over it.
                self._take_level(level, index, nodes, tops.get(level + HEIGHT, (0, [])))

    def _take_level(self, level: int, index: int, nodes: Sequence[bytes], tops: tuple[int, list[bytes]]) -> None:
        begin = 0
        for number, root in enumerate(tops[1], tops[0]):
            end = (number + 1) * WIDTH - index
            self._judge(level // HEIGHT, number, self._fill(level, index + begin, nodes[begin:end]), root)
            begin = end
        self._fill(level, index + begin, nodes[begin:])

    def _fill(self, level: int, index: int, nodes: Sequence[bytes]) -> bytes:
        """Put nodes behind those of the same tile, and answer what there is of it; nothing if its start is unseen."""
        following, data = self.filling.get(level, (-1, b""))
        if nodes:
            if index % WIDTH == 0:
                data = b"".join(nodes)
            elif index == following:
                data += b"".join(nodes)
            else:
                return b""
            self.filling[level] = index + len(nodes), data
        return data

    def finish(self, size: int) -> None:
        """Name the tiles that stand beyond the tree."""
        for level, stored in enumerate(self.stored):
            if stored > size >> HEIGHT * (level + 1):
                self.findings.add(Kind.TILE_EDITED, None, detail=f"tile {stored - 1} of level {level} beyond the tree")

    def _judge(self, level: int, number: int, data: bytes, root: bytes) -> None:
        if len(data) != WIDTH * HASH_LENGTH:
            return
        span = WIDTH ** (level + 1)
        first, last, name = number * span, (number + 1) * span - 1, f"tile {number} of level {level}"
        row = self._row(level, number)
        if row is None:
            # Those at the end are not missing: the sequencer builds them on its next run.
            if number < self.stored[level]:
                self.findings.add(Kind.TILE_REMOVED, first, last, name)
        elif row != (data, root):
            self.findings.add(Kind.TILE_EDITED, first, last, name)

    def _row(self, level: int, number: int) -> tuple[bytes, bytes] | None:
        if (level, number) not in self.read and number < self.stored[level]:
            found = LedgerTile.objects.filter(level=level, number__gte=number, number__lt=number + _READ_AT_ONCE)
            rows = found.values_list("number", "hashes", "root")
            self.read = {(level, each): (bytes(hashes), bytes(top)) for each, hashes, top in rows}
        return self.read.get((level, number))
