"""Merkle trees: the reference roots, every proof of every small tree, and no proof that is not exactly right."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.crypto import merkle
from governance.crypto.errors import ProofRefused
from governance.crypto.merkle import CompactRange
from tests.governance.crypto.vectors import load

VECTORS = load("merkle.json")
ENTRIES = [bytes.fromhex(entry) for entry in VECTORS["entries"]]
ROOTS = [bytes.fromhex(root) for root in [VECTORS["empty_root"], *VECTORS["roots"]]]
SIZES = st.integers(0, 300)


def leaves(size: int) -> list[bytes]:
    return [merkle.leaf_hash(b"entry %d" % number) for number in range(size)]


def naive_root(hashes: list[bytes]) -> bytes:
    """Compute the root by the definition of RFC 6962 §2.1, word for word and slowly."""
    if not hashes:
        return sha256().digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return sha256(b"\x01" + naive_root(hashes[:k]) + naive_root(hashes[k:])).digest()


ALL = leaves(300)
FETCH = merkle.fetch_from(ALL)


def test_reference_tree() -> None:
    tree, fetch = CompactRange(), merkle.fetch_from([merkle.leaf_hash(entry) for entry in ENTRIES])
    assert tree.root() == ROOTS[0] == merkle.EMPTY_ROOT
    for size, entry in enumerate(ENTRIES, start=1):
        tree.append(merkle.leaf_hash(entry))
        assert tree.root() == ROOTS[size] == merkle.root_at(size, fetch)


@pytest.mark.parametrize("vector", VECTORS["consistency"])
def test_reference_consistency_proof(vector: dict[str, object]) -> None:
    fetch = merkle.fetch_from([merkle.leaf_hash(entry) for entry in ENTRIES])
    old, new = vector["old_size"], vector["new_size"]
    assert isinstance(old, int)
    assert isinstance(new, int)
    proof = merkle.consistency_proof(old, new, fetch)
    assert [sibling.hex() for sibling in proof] == vector["proof"]
    merkle.verify_consistency(old, new, proof, ROOTS[old], ROOTS[new])


@given(SIZES)
def test_append_agrees_with_the_definition(size: int) -> None:
    tree = CompactRange()
    nodes = {}
    for leaf in ALL[:size]:
        nodes.update({(level, index): value for level, index, value in tree.append(leaf)})
    assert tree.size == size
    assert tree.root() == naive_root(ALL[:size]) == merkle.root_at(size, FETCH)
    for (level, index), value in nodes.items():
        assert value == naive_root(ALL[index << level : (index + 1) << level])
    assert sum(1 for level, _ in nodes if level == 0) == size


@given(SIZES, SIZES)
def test_a_stored_state_continues_where_it_stopped(size: int, more: int) -> None:
    tree = CompactRange()
    for leaf in ALL[:size]:
        tree.append(leaf)
    resumed = CompactRange.from_bytes(tree.to_bytes())
    assert (resumed.size, resumed.root()) == (tree.size, tree.root())
    for leaf in ALL[:more]:
        tree.append(leaf)
        resumed.append(leaf)
    assert resumed.to_bytes() == tree.to_bytes()


@pytest.mark.parametrize(
    "state",
    [b"", bytes(7), bytes(9), bytes(8) + bytes(32), b"\x00" * 7 + b"\x03" + bytes(32), b"\x00" * 7 + b"\x02"],
)
def test_a_state_that_does_not_fit_its_size_is_refused(state: bytes) -> None:
    with pytest.raises(ProofRefused):
        CompactRange.from_bytes(state)


def test_every_inclusion_proof_of_every_small_tree() -> None:
    for size in range(1, 34):
        root = naive_root(ALL[:size])
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, FETCH)
            merkle.verify_inclusion(ALL[index], index, size, proof, root)
            for other in range(size + 1):
                if other != index:
                    with pytest.raises(ProofRefused):
                        merkle.verify_inclusion(ALL[index], other, size, proof, root)


def test_every_consistency_proof_of_every_small_tree() -> None:
    roots = [naive_root(ALL[:size]) for size in range(34)]
    for new in range(34):
        for old in range(new + 1):
            proof = merkle.consistency_proof(old, new, FETCH)
            merkle.verify_consistency(old, new, proof, roots[old], roots[new])
            for wrong in range(1, 34):
                if wrong != old:
                    with pytest.raises(ProofRefused):
                        merkle.verify_consistency(old, new, proof, roots[wrong], roots[new])
                if wrong != new and old:
                    with pytest.raises(ProofRefused):
                        merkle.verify_consistency(old, new, proof, roots[old], roots[wrong])


def test_a_proof_of_another_length_than_the_sizes_ask_for_is_refused() -> None:
    roots = [naive_root(ALL[:size]) for size in range(34)]
    for size, claimed in ((size, claimed) for size in range(2, 34) for claimed in range(2, 34)):
        proof, other = (merkle.inclusion_proof(1, each, FETCH) for each in (size, claimed))
        if len(proof) != len(other):
            with pytest.raises(ProofRefused):
                merkle.verify_inclusion(ALL[1], 1, claimed, proof, roots[size])
        proof, other = (merkle.consistency_proof(2, each, FETCH) for each in (size, claimed))
        if len(proof) != len(other):
            with pytest.raises(ProofRefused):
                merkle.verify_consistency(2, claimed, proof, roots[2], roots[size])


def test_a_byte_moved_between_leaf_and_sibling_is_refused() -> None:
    proof, root = merkle.inclusion_proof(0, 4, FETCH), merkle.root_at(4, FETCH)
    shifted = ALL[0] + proof[0][:1], [proof[0][1:], *proof[1:]]
    # Joined they hash to the same parent; only the lengths tell them apart.
    assert merkle.node_hash(shifted[0], shifted[1][0]) == merkle.node_hash(ALL[0], proof[0])
    with pytest.raises(ProofRefused, match="32 bytes"):
        merkle.verify_inclusion(shifted[0], 0, 4, shifted[1], root)


def altered(proof: list[bytes], data: st.DataObject) -> list[bytes]:
    """Answer a proof that differs in one way a forger would try."""
    changed = list(proof)
    ways = ["prepend", "append", "prepend known", *(["flip", "drop first", "drop last", "shorten"] if proof else [])]
    match data.draw(st.sampled_from(ways)):
        case "prepend":
            changed.insert(0, bytes(32))
        case "append":
            changed.append(bytes(32))
        case "prepend known":
            changed.insert(0, proof[0] if proof else ALL[0])
        case "flip":
            at = data.draw(st.integers(0, len(proof) - 1))
            changed[at] = bytes([changed[at][0] ^ 1]) + changed[at][1:]
        case "drop first":
            changed.pop(0)
        case "drop last":
            changed.pop()
        case _:
            changed[-1] = changed[-1][:-1]
    return changed


@given(st.integers(1, 300), st.data())
def test_an_altered_inclusion_proof_is_refused(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof, root = merkle.inclusion_proof(index, size, FETCH), merkle.root_at(size, FETCH)
    merkle.verify_inclusion(ALL[index], index, size, proof, root)
    with pytest.raises(ProofRefused):
        merkle.verify_inclusion(ALL[index], index, size, altered(proof, data), root)
    with pytest.raises(ProofRefused):
        merkle.verify_inclusion(merkle.leaf_hash(b"forged"), index, size, proof, root)
    with pytest.raises(ProofRefused):
        merkle.verify_inclusion(ALL[index], index, size, proof, bytes(32))


@given(st.integers(1, 300), st.data())
def test_an_altered_consistency_proof_is_refused(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    proof = merkle.consistency_proof(old, new, FETCH)
    roots = merkle.root_at(old, FETCH), merkle.root_at(new, FETCH)
    merkle.verify_consistency(old, new, proof, *roots)
    with pytest.raises(ProofRefused):
        merkle.verify_consistency(old, new, altered(proof, data), *roots)


def test_a_rewritten_past_cannot_be_proved() -> None:
    honest = merkle.root_at(10, FETCH)
    rewritten = merkle.fetch_from([merkle.leaf_hash(b"forged"), *ALL[1:20]])
    proof = merkle.consistency_proof(10, 20, rewritten)
    with pytest.raises(ProofRefused):
        merkle.verify_consistency(10, 20, proof, honest, merkle.root_at(20, rewritten))


def test_a_node_does_not_pass_as_a_leaf() -> None:
    left, right = ALL[:2]
    assert merkle.leaf_hash(left + right) != merkle.node_hash(left, right)


@pytest.mark.parametrize(("index", "size"), [(-1, 4), (4, 4), (0, 0), (5, 4)])
def test_there_is_no_proof_for_a_leaf_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(ProofRefused, match="no such leaf"):
        merkle.inclusion_proof(index, size, FETCH)
    with pytest.raises(ProofRefused, match="no such leaf"):
        merkle.verify_inclusion(ALL[0], index, size, [], ALL[0])


@pytest.mark.parametrize(("old", "new"), [(-1, 4), (5, 4), (-2, -1)])
def test_there_is_no_proof_that_a_tree_shrank(old: int, new: int) -> None:
    with pytest.raises(ProofRefused, match="only grows"):
        merkle.consistency_proof(old, new, FETCH)
    with pytest.raises(ProofRefused, match="only grows"):
        merkle.verify_consistency(old, new, [], ALL[0], ALL[0])


def test_from_the_empty_tree_only_its_own_root_is_accepted() -> None:
    merkle.verify_consistency(0, 3, [], merkle.EMPTY_ROOT, merkle.root_at(3, FETCH))
    with pytest.raises(ProofRefused):
        merkle.verify_consistency(0, 3, [], ALL[0], merkle.root_at(3, FETCH))


def test_only_32_byte_hashes_enter_the_tree() -> None:
    with pytest.raises(ProofRefused, match="32 bytes"):
        CompactRange().append(b"entry")
    with pytest.raises(ProofRefused, match="32 bytes"):
        merkle.root_at(1, lambda _level, _index: b"")
    with pytest.raises(ProofRefused, match="negative"):
        merkle.root_at(-1, FETCH)


def test_an_empty_proof_proves_nothing() -> None:
    with pytest.raises(ProofRefused, match="too short"):
        merkle.verify_consistency(3, 5, [], merkle.root_at(3, FETCH), merkle.root_at(5, FETCH))
    with pytest.raises(ProofRefused, match="does not lead"):
        merkle.verify_inclusion(ALL[0], 0, 2, [], merkle.root_at(2, FETCH))


def test_many_leaves_at_once_complete_the_nodes_that_they_complete_one_by_one() -> None:
    for first, second in ((0, 200), (1, 2), (3, 60), (64, 64), (7, 0), (127, 73)):
        one, many = CompactRange(), CompactRange()
        for leaf in ALL[:first]:
            one.append(leaf)
        many.extend(ALL[:first])
        nodes = [node for leaf in ALL[first : first + second] for node in one.append(leaf)]
        # A left neighbour from before is not completed now, and is not answered as if it were.
        runs = many.extend(ALL[first : first + second])
        found = [(level, index + at, hash_) for level, index, hashes in runs for at, hash_ in enumerate(hashes)]
        assert sorted(found) == sorted(nodes)
        assert (many.size, many.root(), many.to_bytes()) == (one.size, one.root(), one.to_bytes())


def test_a_leaf_of_another_length_is_refused_among_many() -> None:
    tree = CompactRange()
    with pytest.raises(ProofRefused):
        tree.extend([bytes(32), bytes(31)])
    assert tree.size == 0
