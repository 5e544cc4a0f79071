"""Verifies an exported ledger, a folder of checkpoint, tiles and bundles, with nothing but its files; it writes none.

The folder has the layout of C2SP tlog-tiles, as any web server would publish it: `checkpoint`, `tile/0/…`,
`tile/entries/…`. What was edited, removed, reordered or replaced is named by its index: the bundle against the tile
that holds its hashes, the tile against the hash of it one level above, and all of it against the signed root.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from governance.crypto import tiles
from governance.crypto.checkpoints import Checkpoint
from governance.crypto.errors import NoteRefused, ProofRefused
from governance.crypto.merkle import CompactRange, leaf_hash
from governance.crypto.policies import Policy
from governance.crypto.tiles import ENTRIES, HEIGHT, WIDTH, Tile

_KEPT = 100
_LARGEST_CHECKPOINT = 1_000_000


@dataclass(slots=True)
class Result:
    """What was found. `problems` holds the first sentences, `found` counts all of them."""

    size: int = 0
    found: int = 0
    problems: list[str] = field(default_factory=list)

    def add(self, problem: str) -> None:
        """Note one problem, in constant memory."""
        self.found += 1
        if len(self.problems) < _KEPT:
            self.problems.append(problem)


def verify_folder(folder: Path, policy: Policy, *, since: str | None = None) -> Result:
    """Verify an exported ledger from its entries up, one bundle at a time.

    `since` is a checkpoint that somebody kept: the ledger must extend it. Raises NoteRefused without a checkpoint
    that the policy believes.
    """
    head = policy.open(_text(folder / "checkpoint"))
    kept = None if since is None else policy.open(since)
    result = Result(head.size)
    _Folder(folder, head, kept, result).verify()
    return result


class _Folder:
    """One pass over the entries, with the tree beside it."""

    def __init__(self, folder: Path, head: Checkpoint, kept: Checkpoint | None, result: Result) -> None:
        self.folder = folder
        self.head = head
        self.kept = kept
        self.result = result
        self.tree = CompactRange()

    def verify(self) -> None:
        for index in range((self.head.size + WIDTH - 1) // WIDTH):
            tile = tiles.tile_at(0, index, self.head.size)
            if tile is not None:
                self._bundle(tile)
        self._above()
        if self.tree.root() != self.head.root:
            self.result.add(f"the entries do not give the signed root over all {self.head.size}")
        if self.kept is not None and self.kept.size > self.head.size:
            self.result.add(f"tail truncated at index {self.head.size} to {self.kept.size - 1}: the kept one is longer")

    def _bundle(self, tile: Tile) -> None:
        first = tile.index * WIDTH
        stated = self._stated(tile)
        hashes = [leaf_hash(entry) for entry in self._entries(tile)]
        if stated is None:
            self.result.add(f"tile removed or cut: tile/{tile.path}")
        elif hashes != stated:
            for problem in differences(first, hashes, stated):
                self.result.add(problem)
        # The tree goes on from what was stated, so that one edited entry does not make all later ones look edited.
        for hash_ in stated or hashes:
            self.tree.append(hash_)
            if self.kept is not None and self.tree.size == self.kept.size and self.tree.root() != self.kept.root:
                self.result.add(f"history replaced before index {self.kept.size}: the kept checkpoint has another root")

    def _stated(self, tile: Tile) -> list[bytes] | None:
        try:
            return tiles.hashes_of((self.folder / "tile" / tile.path).read_bytes(), tile.width)
        except (OSError, ProofRefused):
            return None

    def _entries(self, tile: Tile) -> list[bytes]:
        name = Tile(ENTRIES, tile.index, tile.width).path
        try:
            return list(_split((self.folder / "tile" / name).read_bytes()))
        except OSError:
            self.result.add(f"bundle removed: tile/{name}")
        except ProofRefused:
            self.result.add(f"bundle cut within an entry: tile/{name}")
        return []

    def _above(self) -> None:
        """Compare each full tile with its hash one level up: a tile edited with its bundle shows there."""
        for tile in tiles.tiles_of(self.head.size):
            if tile.level == 0:
                continue
            stated = self._stated(tile)
            if stated is None:
                self.result.add(f"tile removed or cut: tile/{tile.path}")
                continue
            for at, hash_ in enumerate(stated):
                below = Tile(tile.level - 1, tile.index * WIDTH + at)
                held = self._stated(below)
                if held is not None and tiles.subtree_root(held) != hash_:
                    span = 1 << HEIGHT * tile.level
                    first = below.index * span
                    self.result.add(f"replaced between index {first} and {first + span - 1}: tile/{below.path}")


def differences(first: int, found: list[bytes], stated: list[bytes]) -> Iterator[str]:
    """Yield what differs between the entries of a bundle and the hashes stated for them, by index."""
    places = {hash_: at for at, hash_ in enumerate(stated)}
    present = set(found)
    if len(found) < len(stated):
        gone = [at for at, hash_ in enumerate(stated) if hash_ not in present]
        yield from (f"entry removed at index {first + at}" for at in gone)
        if not gone:  # one of two equal entries: which one cannot be told, that one is missing can
            yield f"entries removed between index {first} and {first + len(stated) - 1}: one of several equal ones"
        return
    for at, hash_ in enumerate(found):
        if at >= len(stated):
            yield f"entry added behind index {first + len(stated) - 1}"
        elif hash_ != stated[at]:
            moved = places.get(hash_)
            kind = "entry edited or replaced" if moved is None else f"entry of index {first + moved} reordered"
            yield f"{kind} at index {first + at}"


def _split(bundle: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(bundle):
        end = at + 2 + int.from_bytes(bundle[at : at + 2], "big")
        if end > len(bundle):
            raise ProofRefused("A bundle ends within an entry.")
        yield bundle[at + 2 : end]
        at = end


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read(_LARGEST_CHECKPOINT + 1)
    except (OSError, UnicodeDecodeError) as error:
        message = f"There is no checkpoint that can be read: {type(error).__name__}"
        raise NoteRefused(message) from error
