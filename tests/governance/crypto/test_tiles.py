"""Tiles: the names of the specification, and over any tree the same proofs as from all its leaves."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.crypto import merkle, tiles
from governance.crypto.errors import ProofRefused
from governance.crypto.tiles import ENTRIES, Tile

LEAVES = [sha256(str(number).encode()).digest() for number in range(1200)]


def read_from(leaves: list[bytes]) -> tiles.ReadTile:
    """Cut tiles straight from the definition: a hash at level l covers 256**l leaves."""
    fetch = merkle.fetch_from(leaves)

    def read(tile: Tile) -> bytes:
        first = tile.index * 256
        return b"".join(fetch(tile.level * 8, first + at) for at in range(tile.width))

    return read


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "0/000"),
        (Tile(0, 1234067), "0/x001/x234/067"),
        (Tile(4, 1234067, 8), "4/x001/x234/067.p/8"),
        (Tile(ENTRIES, 999, 255), "entries/999.p/255"),
        (Tile(63, 1000, 1), "63/x001/000.p/1"),
    ],
)
def test_paths(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert Tile.parse(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "", "0", "0/", "00/000", "64/000", "-1/000", "0/0", "0/0000", "0/001/000", "0/x000/001", "0/x001", "0/000.p/0",
        "0/000.p/256", "0/000.p/08", "0/000.p/", "0/000/", "/0/000", "0/000\n", "0/../000", "entries/000.p/256",
        "0/" + "x999/" * 7 + "999", "0/\N{ARABIC-INDIC DIGIT ONE}00", "0/000.P/1", "data/000",
    ],
)  # fmt: skip
def test_other_spellings_are_no_path(path: str) -> None:
    with pytest.raises(ProofRefused):
        Tile.parse(path)


def test_the_tiles_of_the_specification_s_example() -> None:
    found = list(tiles.tiles_of(70_000))
    assert [tile.path for tile in found if tile.width < 256] == ["0/273.p/112", "1/001.p/17", "2/000.p/1"]
    assert len([tile for tile in found if tile.width == 256]) == 274
    assert list(tiles.tiles_of(256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles.tiles_of(0)) == []


@given(st.data())
@settings(max_examples=60)
def test_proofs_from_tiles_are_the_proofs_from_leaves(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(LEAVES)))
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    read_tiles: list[Tile] = []
    read = read_from(LEAVES[:size])
    fetch = tiles.fetch_over(lambda tile: read_tiles.append(tile) or read(tile), size)
    plain = merkle.fetch_from(LEAVES[:size])
    assert merkle.root_at(size, fetch) == merkle.root_at(size, plain)
    assert merkle.inclusion_proof(index, size, fetch) == merkle.inclusion_proof(index, size, plain)
    assert merkle.consistency_proof(old, size, fetch) == merkle.consistency_proof(old, size, plain)
    assert len(read_tiles) == len(set(read_tiles))
    assert set(read_tiles) <= set(tiles.tiles_of(size))


def test_a_tile_of_another_length_is_refused() -> None:
    for data in (b"", bytes(31), bytes(33), bytes(64)):
        with pytest.raises(ProofRefused):
            tiles.hashes_of(data, 1)
    with pytest.raises(ProofRefused):
        tiles.subtree_root([bytes(32)] * 3)
    with pytest.raises(ProofRefused, match="no such node"):
        tiles.fetch_over(lambda _tile: b"", 5)(2, 1)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=20))
def test_bundles_round_trip(entries: list[bytes]) -> None:
    bundle = tiles.bundle_of(entries)
    assert tiles.entries_of(bundle, len(entries)) == entries
    for broken in (bundle[:-1] if bundle else b"\0", bundle + b"\0", bundle + b"\0\0"):
        with pytest.raises(ProofRefused):
            tiles.entries_of(broken, len(entries))


def test_an_entry_too_long_for_a_bundle_is_refused() -> None:
    assert tiles.entries_of(tiles.bundle_of([bytes(65535)]), 1) == [bytes(65535)]
    with pytest.raises(ProofRefused):
        tiles.bundle_of([bytes(65536)])
