"""The tree as stored tiles: which a growing tree completes, and how any is read; it signs and proves nothing."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from django.db import connections, router
from django.db.models import Max

from governance.crypto import tiles
from governance.crypto.encoding import LARGEST
from governance.crypto.errors import ProofRefused
from governance.crypto.merkle import HASH_LENGTH
from governance.crypto.tiles import ENTRIES, HEIGHT, WIDTH, Tile
from governance.errors import LedgerBroken, NotFound
from governance.models import LedgerCheckpoint, LedgerEntry, LedgerLeaf, LedgerTile

#: Full tiles built at once where a ledger is older than its tiles: 16,384 leaves are half a megabyte.
AT_ONCE = 64

# One tile each, put together into one statement: a proof waits for the database once, however many tiles it crosses.
_FULL: Final = "SELECT %s, 0, hashes FROM governance_ledgertile WHERE level = %s AND number = %s"
_LEAVES: Final = "SELECT %s, position, hash FROM governance_ledgerleaf WHERE position >= %s AND position < %s"
_TOPS: Final = "SELECT %s, number, root FROM governance_ledgertile WHERE level = %s AND number >= %s AND number < %s"


def stored(level: int) -> int:
    """Answer how many full tiles of a level are stored; they have no gaps."""
    last = LedgerTile.objects.filter(level=level).aggregate(last=Max("number"))["last"]
    return 0 if last is None else int(last) + 1


def is_behind() -> bool:
    """Whether full tiles of the signed tree are missing."""
    size = LedgerCheckpoint.objects.aggregate(size=Max("size"))["size"] or 0
    return bool(size // WIDTH > stored(0))


def completed(size: int, tail: Sequence[bytes] = ()) -> list[LedgerTile]:
    """Answer the full tiles to store for a tree of this size, whose last leaves `tail` are not in the table yet."""
    made: list[LedgerTile] = []
    level, begin, tiled = 0, size - len(tail), stored(0)
    hashes = _below(0, tiled * WIDTH, begin) + list(tail[max(0, tiled * WIDTH - begin) :])
    while True:
        full = size >> HEIGHT * (level + 1)
        new = _cut(level, tiled, hashes, full - tiled)
        made += new
        if not new:
            return made
        level, below, tiled = level + 1, tiled, stored(level + 1)
        hashes = _roots(level - 1, tiled * WIDTH, below) + [bytes(tile.root) for tile in new]


def catch_up(size: int) -> list[LedgerTile]:
    """Answer the next tiles of a ledger that is older than they are, a bounded number; empty when none is missing."""
    tiled = stored(0)
    missing = size // WIDTH - tiled
    return completed((tiled + min(missing, AT_ONCE)) * WIDTH) if missing > 0 else []


def read(tile: Tile) -> bytes:
    """Answer the bytes of a tile of hashes; raises LedgerBroken where they are not there."""
    if tile.width == WIDTH:
        row = LedgerTile.objects.filter(level=tile.level, number=tile.index).values_list("hashes", flat=True).first()
        # A tile that is still being built, in a ledger older than its tiles, is cut from what lies below it.
        if row is not None:
            return bytes(row)
    first = tile.index * WIDTH
    data = b"".join(_below(tile.level, first, first + tile.width))
    if len(data) != tile.width * HASH_LENGTH:
        raise LedgerBroken("The ledger has a gap, so nothing can be proven; run verify_audit.")
    return data


def read_all(wanted: Sequence[Tile]) -> dict[Tile, bytes]:
    """Answer the bytes of these tiles of hashes by one statement; raises LedgerBroken where some are not there."""
    if not wanted:
        return {}
    parts = [_selected(at, tile) for at, tile in enumerate(wanted)]
    statement = " UNION ALL ".join(part for part, _ in parts)
    found: dict[int, list[tuple[int, bytes]]] = {}
    with connections[router.db_for_read(LedgerTile)].cursor() as cursor:
        cursor.execute(statement, [value for _, values in parts for value in values])
        for at, order, hashes in cursor.fetchall():
            found.setdefault(at, []).append((order, bytes(hashes)))
    held = {tile: b"".join(hashes for _, hashes in sorted(found.get(at, ()))) for at, tile in enumerate(wanted)}
    # A full tile that is not there may still be being built; for anything else read() says what is wrong.
    return {tile: data or read(tile) for tile, data in held.items()}


def bundle(tile: Tile) -> bytes:
    """Answer the bytes of a bundle of entries; raises LedgerBroken where one is not there."""
    first = tile.index * WIDTH
    found = LedgerEntry.objects.filter(leaf_row__position__gte=first, leaf_row__position__lt=first + tile.width)
    entries = [payload.encode() for payload in found.order_by("leaf_row__position").values_list("payload", flat=True)]
    if len(entries) != tile.width:
        raise LedgerBroken("The ledger has a gap; run verify_audit.")
    return tiles.bundle_of(entries)


def served(path: str, *, with_entries: bool) -> bytes:
    """Answer the bytes at a path below `tile/`; raises NotFound, for bundles too unless the caller may have entries."""
    try:
        tile = Tile.parse(path)
    except ProofRefused:
        raise NotFound("The tree has no such tile.") from None
    if tile.level == ENTRIES and not with_entries:
        # The same answer as for a tile that is not there: who may not read it need not learn how long the ledger is.
        raise NotFound("The tree has no such tile.")
    _require_signed(tile)
    return bundle(tile) if tile.level == ENTRIES else read(tile)


def _selected(at: int, tile: Tile) -> tuple[str, list[Any]]:
    first, end = tile.index * WIDTH, tile.index * WIDTH + tile.width
    if tile.width == WIDTH:
        return _FULL, [at, tile.level, tile.index]
    if tile.level == 0:
        return _LEAVES, [at, first, end]
    return _TOPS, [at, tile.level - 1, first, end]


def _require_signed(tile: Tile) -> None:
    """Refuse a tile that no checkpoint of ours needs. A partial one shows what was signed, no more."""
    span = 1 << HEIGHT * max(tile.level, 0)
    begin = (tile.index * WIDTH + tile.width) * span
    # Beyond 63 bits there is nothing, and the database would refuse to look.
    if begin + span > LARGEST:
        raise NotFound("The tree has no such tile.")
    heads = LedgerCheckpoint.objects.filter(size__gte=begin)
    if tile.width < WIDTH:
        heads = heads.filter(size__lt=begin + span)
    if not heads.exists():
        raise NotFound("The tree has no such tile.")


def _cut(level: int, first: int, hashes: Sequence[bytes], count: int) -> list[LedgerTile]:
    if len(hashes) < count * WIDTH:
        raise LedgerBroken("The ledger has a gap, so its tree cannot be tiled; run verify_audit.")
    bounds = range(0, max(count, 0) * WIDTH + 1, WIDTH)
    return [
        LedgerTile(
            level=level,
            number=first + at,
            hashes=b"".join(hashes[begin:end]),
            root=tiles.subtree_root(hashes[begin:end]),
        )
        for at, (begin, end) in enumerate(pairwise(bounds))
    ]


def _below(level: int, begin: int, end: int) -> list[bytes]:
    if level > 0 or begin >= end:
        return _roots(level - 1, begin, end)
    found = LedgerLeaf.objects.filter(position__gte=begin, position__lt=end).order_by("position")
    return [bytes(hash_) for hash_ in found.values_list("hash", flat=True)]


def _roots(level: int, begin: int, end: int) -> list[bytes]:
    if begin >= end:
        return []
    found = LedgerTile.objects.filter(level=level, number__gte=begin, number__lt=end).order_by("number")
    return [bytes(root) for root in found.values_list("root", flat=True)]
