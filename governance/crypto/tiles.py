"""The tree as tiles and the entries as bundles (C2SP tlog-tiles): names and bytes; it stores nothing."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from governance.crypto.encoding import LARGEST
from governance.crypto.errors import ProofRefused
from governance.crypto.merkle import HASH_LENGTH, Fetch, node_hash

HEIGHT: Final = 8
WIDTH: Final = 1 << HEIGHT
#: The level that stands for entry bundles; hashes have levels from 0.
ENTRIES: Final = -1

#: Answers the bytes of a tile; a partial one may be cut from a wider one.
ReadTile = Callable[["Tile"], bytes]

_LARGEST_LEVEL: Final = 63
#: Full tiles of which the nodes within are kept: 2 MB, enough for those near the root that every proof crosses.
_KEPT: Final = 64
_LONGEST_ENTRY: Final = 2**16 - 1
_PATH: Final = re.compile(
    r"(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/)*[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?", re.ASCII
)


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """The name of one tile: `width` hashes (or entries) from 256 times its index on, at its level."""

    level: int
    index: int
    width: int = WIDTH

    def __post_init__(self) -> None:
        if not (ENTRIES <= self.level <= _LARGEST_LEVEL and 0 <= self.index <= LARGEST and 1 <= self.width <= WIDTH):
            raise ProofRefused("There is no tile of this level, index and width.")

    @property
    def path(self) -> str:
        """The part of its address after `tile/`."""
        groups = [f"{self.index % 1000:03}"]
        rest = self.index // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03}")
            rest //= 1000
        level = "entries" if self.level == ENTRIES else str(self.level)
        return f"{level}/{'/'.join(groups)}" + ("" if self.width == WIDTH else f".p/{self.width}")

    @classmethod
    def parse(cls, path: str) -> "Tile":
        """Read such a path; raises ProofRefused for any other spelling of the same tile, too."""
        found = _PATH.fullmatch(path)
        if found is None or len(path) > 64:
            raise ProofRefused("This is not the path of a tile.")
        level = ENTRIES if found["level"] == "entries" else int(found["level"])
        index = int(found["index"].replace("/", "").replace("x", ""))
        tile = cls(level, index, int(found["width"] or WIDTH))
        if tile.path != path:
            raise ProofRefused("This is not the path of a tile.")
        return tile


def tile_at(level: int, index: int, size: int) -> Tile | None:
    """Answer the tile of this level and index in a tree of this size; None where it would be empty."""
    held = size >> HEIGHT * max(level, 0)
    width = min(WIDTH, held - index * WIDTH)
    return Tile(level, index, width) if width > 0 else None


def tiles_of(size: int) -> Iterator[Tile]:
    """Yield every tile of hashes in a tree of this size, from the leaves up."""
    level = 0
    while size >> HEIGHT * level:
        held = size >> HEIGHT * level
        for index in range((held + WIDTH - 1) // WIDTH):
            yield Tile(level, index, min(WIDTH, held - index * WIDTH))
        level += 1


def subtree_root(hashes: Sequence[bytes]) -> bytes:
    """Answer the root over a power of two of hashes, such as those of a full tile."""
    nodes = list(hashes)
    if not nodes or len(nodes) & (len(nodes) - 1):
        raise ProofRefused("A complete subtree has a power of two of leaves.")
    while len(nodes) > 1:
        nodes = [node_hash(nodes[at], nodes[at + 1]) for at in range(0, len(nodes), 2)]
    return nodes[0]


def holder_of(level: int, index: int, size: int) -> Tile:
    """Answer the tile that a complete node of the tree is computed from; raises ProofRefused beyond the tree."""
    first = index << level % HEIGHT
    tile = tile_at(level // HEIGHT, first // WIDTH, size)
    if tile is None or first % WIDTH + (1 << level % HEIGHT) > tile.width:
        raise ProofRefused("The tree of this size has no such node.")
    return tile


def needed(size: int, prove: Callable[[Fetch], object]) -> list[Tile]:
    """Answer the tiles that a proof over a tree of this size will read, by walking it once over empty hashes."""
    found: dict[Tile, None] = {}

    def fetch(level: int, index: int) -> bytes:
        found[holder_of(level, index, size)] = None
        return bytes(HASH_LENGTH)

    prove(fetch)
    return list(found)


def fetch_over(read: ReadTile, size: int) -> Fetch:
    """Answer a fetch of nodes that reads each tile it needs once."""
    kept: dict[Tile, bytes] = {}

    def fetch(level: int, index: int) -> bytes:
        tile = holder_of(level, index, size)
        if tile not in kept:
            kept[tile] = _require_width(read(tile), tile.width)
        height = level % HEIGHT
        first = (index << height) % WIDTH
        if tile.width == WIDTH:
            return _nodes_within(kept[tile])[height][first >> height]
        return subtree_root(_split(kept[tile][first * HASH_LENGTH : (first + (1 << height)) * HASH_LENGTH]))

    return fetch


@lru_cache(maxsize=_KEPT)
def _nodes_within(tile: bytes) -> tuple[tuple[bytes, ...], ...]:
    """Answer the nodes within a full tile, leaves first and without its root.

    Kept by what the tile says and not by its name: a tile that was edited after it was kept is another one.
    """
    levels = [tuple(_split(tile))]
    while len(levels) < HEIGHT:
        below = levels[-1]
        levels.append(tuple(node_hash(below[at], below[at + 1]) for at in range(0, len(below), 2)))
    return tuple(levels)


def hashes_of(data: bytes, width: int) -> list[bytes]:
    """Take a tile apart; raises ProofRefused unless it is exactly this wide."""
    return _split(_require_width(data, width))


def bundle_of(entries: Iterable[bytes]) -> bytes:
    """Put entries into one bundle, each behind its length in two bytes; raises ProofRefused for one too long."""
    parts = []
    for entry in entries:
        if len(entry) > _LONGEST_ENTRY:
            raise ProofRefused("An entry of a bundle has at most 65535 bytes.")
        parts += [len(entry).to_bytes(2, "big"), entry]
    return b"".join(parts)


def entries_of(bundle: bytes, width: int) -> list[bytes]:
    """Take a bundle apart; raises ProofRefused unless it holds exactly this many entries and nothing else."""
    entries, at = [], 0
    while at < len(bundle):
        end = at + 2 + int.from_bytes(bundle[at : at + 2], "big")
        if end > len(bundle) or at + 2 > len(bundle):
            raise ProofRefused("A bundle ends within an entry.")
        entries.append(bundle[at + 2 : end])
        at = end
    if len(entries) != width:
        raise ProofRefused("A bundle has another number of entries than its name says.")
    return entries


def _require_width(data: bytes, width: int) -> bytes:
    if len(data) != width * HASH_LENGTH:
        raise ProofRefused("A tile has an impossible length.")
    return data


def _split(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + HASH_LENGTH] for at in range(0, len(hashes), HASH_LENGTH)]
