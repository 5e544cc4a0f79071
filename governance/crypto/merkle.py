"""Arithmetic of an append-only Merkle tree (RFC 6962 hashing, RFC 9162 proofs); it stores and fetches nothing itself.

A node is named (level, index): it covers the leaves [index * 2**level, (index + 1) * 2**level), all present.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Final

from governance.crypto.errors import ProofRefused

HASH_LENGTH: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()

Fetch = Callable[[int, int], bytes]
Node = tuple[int, int, bytes]
#: Neighbouring nodes of one level: level, index of the first, hashes.
Run = tuple[int, int, list[bytes]]

_SIZE_LENGTH: Final = 8


def leaf_hash(entry: bytes) -> bytes:
    """Hash one log entry (RFC 6962 §2.1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into their parent; the prefix keeps a node from passing as a leaf."""
    return sha256(b"\x01" + left + right).digest()


class CompactRange:
    """The tree so far, in one hash per complete subtree: enough to append and to name the root."""

    __slots__ = ("_peaks", "_size")

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self._size = size
        self._peaks = list(peaks)
        if size < 0 or len(self._peaks) != size.bit_count() or any(len(peak) != HASH_LENGTH for peak in self._peaks):
            raise ProofRefused("The stored tree state does not fit its size.")

    @property
    def size(self) -> int:
        return self._size

    def append(self, leaf: bytes) -> list[Node]:
        """Add a leaf hash and answer every node it completes, leaf first, for the caller to store."""
        _require_hash(leaf)
        node: Node = (0, self._size, leaf)
        completed = [node]
        carry = self._size
        while carry & 1:
            level, index, right = node
            node = (level + 1, index >> 1, node_hash(self._peaks.pop(), right))
            completed.append(node)
            carry >>= 1
        self._peaks.append(node[2])
        self._size += 1
        return completed

    def extend(self, leaves: Sequence[bytes]) -> list[Run]:
        """Add leaf hashes and answer every node they complete, a run a level, leaves first: append() for many."""
        if {*map(len, leaves)} - {HASH_LENGTH}:
            raise ProofRefused("A tree hash is 32 bytes.")
        peaks = dict(zip(_levels(self._size), reversed(self._peaks), strict=True))
        runs: list[Run] = []
        level, index, nodes = 0, self._size, list(leaves)
        while nodes:
            runs.append((level, index, nodes))
            # A left neighbour that was waiting is the first of a pair; a last one without a right waits in its turn.
            if index & 1:
                index, nodes = index - 1, [peaks.pop(level), *nodes]
            if len(nodes) & 1:
                peaks[level] = nodes[-1]
            nodes = [
                sha256(b"\x01" + left + right).digest() for left, right in zip(nodes[::2], nodes[1::2], strict=False)
            ]
            level, index = level + 1, index >> 1
        self._size += len(leaves)
        self._peaks = [peaks[level] for level in sorted(peaks, reverse=True)]
        return runs

    def root(self) -> bytes:
        """Answer the root of the tree so far."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root

    def to_bytes(self) -> bytes:
        """Answer the state as 8 bytes of size and the hashes, largest subtree first."""
        return self._size.to_bytes(_SIZE_LENGTH, "big") + b"".join(self._peaks)

    @classmethod
    def from_bytes(cls, state: bytes) -> "CompactRange":
        """Read a stored state; raises ProofRefused when it does not fit its size."""
        hashes = state[_SIZE_LENGTH:]
        if len(state) < _SIZE_LENGTH or len(hashes) % HASH_LENGTH:
            raise ProofRefused("The stored tree state has an impossible length.")
        peaks = [hashes[at : at + HASH_LENGTH] for at in range(0, len(hashes), HASH_LENGTH)]
        return cls(int.from_bytes(state[:_SIZE_LENGTH], "big"), peaks)


def fetch_from(leaves: Sequence[bytes]) -> Fetch:
    """Answer a fetch over a list of leaf hashes, with every complete node computed once."""
    nodes: dict[tuple[int, int], bytes] = {}
    tree = CompactRange()
    for leaf in leaves:
        nodes.update({(level, index): value for level, index, value in tree.append(leaf)})
    return lambda level, index: nodes[level, index]


def root_at(size: int, fetch: Fetch) -> bytes:
    """Answer the root the tree had when it held `size` leaves."""
    if size < 0:
        raise ProofRefused("A tree has no negative size.")
    return _range_hash(0, size, fetch) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, fetch: Fetch) -> list[bytes]:
    """Answer the hashes that lead from a leaf to the root of the tree of this size (RFC 9162 §2.1.3.1)."""
    if not 0 <= index < size:
        raise ProofRefused("The tree of this size has no such leaf.")
    siblings = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            siblings.append(_range_hash(middle, end, fetch))
            end = middle
        else:
            siblings.append(_range_hash(begin, middle, fetch))
            begin = middle
    return siblings[::-1]


def consistency_proof(old_size: int, new_size: int, fetch: Fetch) -> list[bytes]:
    """Answer the hashes that show the smaller tree to be a beginning of the larger (RFC 9162 §2.1.4.1)."""
    if not 0 <= old_size <= new_size:
        raise ProofRefused("A tree only grows.")
    if old_size in {0, new_size}:
        return []
    siblings = []
    begin, end = 0, new_size
    while end != old_size:
        middle = begin + _split(end - begin)
        if old_size <= middle:
            siblings.append(_range_hash(middle, end, fetch))
            end = middle
        else:
            siblings.append(_range_hash(begin, middle, fetch))
            begin = middle
    # The verifier already knows the old root; when what is left is that whole tree it is not sent again.
    if begin:
        siblings.append(_range_hash(begin, end, fetch))
    return siblings[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf hash stands at this index under this root; raises ProofRefused (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        raise ProofRefused("The tree of this size has no such leaf.")
    _require_hashes((leaf, root, *proof))
    fn, sn, computed = index, size - 1, leaf
    for sibling in proof:
        if sn == 0:
            raise ProofRefused("The inclusion proof is too long.")
        if fn & 1 or fn == sn:
            computed = node_hash(sibling, computed)
            fn, sn = _skip_to_left_turn(fn, sn)
        else:
            computed = node_hash(computed, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0 or computed != root:
        raise ProofRefused("The inclusion proof does not lead to the root.")


def verify_consistency(old_size: int, new_size: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Check that the older tree is a beginning of the newer; raises ProofRefused (RFC 9162 §2.1.4.2)."""
    if not 0 <= old_size <= new_size:
        raise ProofRefused("A tree only grows.")
    _require_hashes((old_root, new_root, *proof))
    if old_size in {0, new_size}:
        _verify_trivial_consistency(old_size, new_size, proof, old_root, new_root)
        return
    fn, sn = old_size - 1, new_size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    path = list(proof)
    # A complete old tree is itself the first hash of the path, so the proof leaves it out.
    if fn == 0:
        path.insert(0, old_root)
    if not path:
        raise ProofRefused("The consistency proof is too short.")
    computed_old, computed_new, sn = _climb(fn, sn, path)
    if sn != 0 or computed_old != old_root or computed_new != new_root:
        raise ProofRefused("The consistency proof does not lead to both roots.")


def _climb(fn: int, sn: int, path: list[bytes]) -> tuple[bytes, bytes, int]:
    computed_old = computed_new = path[0]
    for sibling in path[1:]:
        if sn == 0:
            raise ProofRefused("The consistency proof is too long.")
        if fn & 1 or fn == sn:
            computed_old = node_hash(sibling, computed_old)
            computed_new = node_hash(sibling, computed_new)
            fn, sn = _skip_to_left_turn(fn, sn)
        else:
            computed_new = node_hash(computed_new, sibling)
        fn, sn = fn >> 1, sn >> 1
    return computed_old, computed_new, sn


def _verify_trivial_consistency(
    old_size: int, new_size: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    # Everything follows from the empty tree, and a tree from itself: there is nothing to prove, so nothing is accepted.
    if proof:
        raise ProofRefused("The consistency proof is too long.")
    if old_size == 0 and old_root != EMPTY_ROOT:
        raise ProofRefused("The root of the empty tree is not this one.")
    if old_size == new_size and old_root != new_root:
        raise ProofRefused("Two trees of one size have different roots.")


def _skip_to_left_turn(fn: int, sn: int) -> tuple[int, int]:
    while not fn & 1 and fn != 0:
        fn, sn = fn >> 1, sn >> 1
    return fn, sn


def _range_hash(begin: int, end: int, fetch: Fetch) -> bytes:
    # `begin` is always a multiple of the largest power of two within the range, so complete parts are nodes.
    size = end - begin
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return _require_hash(fetch(level, begin >> level))
    middle = begin + _split(size)
    return node_hash(_range_hash(begin, middle, fetch), _range_hash(middle, end, fetch))


def _levels(size: int) -> list[int]:
    """The levels of the complete subtrees of a tree of this size, smallest first."""
    return [level for level in range(size.bit_length()) if size >> level & 1]


def _split(size: int) -> int:
    return 1 << (size - 1).bit_length() - 1


def _require_hash(value: bytes) -> bytes:
    if len(value) != HASH_LENGTH:
        raise ProofRefused("A tree hash is 32 bytes.")
    return value


def _require_hashes(values: Iterable[bytes]) -> None:
    for value in values:
        _require_hash(value)
