"""Proof files and receipts: what was made verifies; every malformed, changed or foreign one is refused."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.crypto import merkle
from governance.crypto.checkpoints import Checkpoint
from governance.crypto.errors import CryptoError, NoteRefused, ProofRefused
from governance.crypto.notes import Verifier, signed_note, verify_note
from governance.crypto.proofs import Proof, verify_receipt
from governance.crypto.signatures import SignatureType, Signer

SIGNERS = [
    Signer("example.org/log", b"\1" * 32),
    Signer("example.org/log", b"\2" * 32, SignatureType.COSIGNATURE_ML_DSA_44),
]
KEYS = [signer.verifier for signer in SIGNERS]
ENTRIES = [f'{{"entry":{number}}}'.encode() for number in range(11)]
INDEX = 5


def opened(note: str, keys: list[Verifier] = KEYS) -> Checkpoint:
    return Checkpoint.parse(verify_note(note, keys))


def made(index: int = INDEX, extra: bytes | None = ENTRIES[INDEX]) -> Proof:
    leaves = [merkle.leaf_hash(entry) for entry in ENTRIES]
    fetch = merkle.fetch_from(leaves)
    head = Checkpoint("example.org/log", len(leaves), merkle.root_at(len(leaves), fetch))
    note = signed_note(head.text, SIGNERS, at=1_700_000_000)
    return Proof(index, tuple(merkle.inclusion_proof(index, len(leaves), fetch)), note, extra)


MADE = made()
RECEIPT = MADE.text
LINES = RECEIPT.split("\n")
HEADER, EXTRA, NUMBER, *_REST = LINES
PATH = LINES[3 : LINES.index("")]


def test_the_form_is_that_of_the_specification() -> None:
    assert ("c2sp.org/tlog-proof@v1", "extra " + base64.b64encode(ENTRIES[INDEX]).decode()) == (HEADER, EXTRA)
    assert NUMBER == "index 5"
    assert "\n".join(LINES[LINES.index("") + 1 :]) == MADE.note
    assert Proof.parse(RECEIPT) == MADE
    bare = made(extra=None)
    assert Proof.parse(bare.text) == bare


def test_every_entry_verifies_at_its_own_place_alone() -> None:
    for index, entry in enumerate(ENTRIES):
        proof = made(index, None)
        assert proof.verify(entry, opened).size == len(ENTRIES)
        for other in ENTRIES:
            if other != entry:
                with pytest.raises(ProofRefused):
                    proof.verify(other, opened)


def test_a_receipt_carries_its_entry() -> None:
    proof, head = verify_receipt(RECEIPT, opened)
    assert (proof.extra, head.origin) == (ENTRIES[INDEX], "example.org/log")
    with pytest.raises(ProofRefused, match="carry"):
        verify_receipt(made(extra=None).text, opened)


def without(text: str) -> str:
    return RECEIPT.replace(text, "", 1)


FALSE = SIGNERS[0].line("another text\n", at=0)
STRANGER = Signer("example.org/log", b"\7" * 32)
MALFORMED = {
    "empty": "",
    "another header": RECEIPT.replace("@v1", "@v2", 1),
    "no header": without(HEADER + "\n"),
    "no index": without(NUMBER + "\n"),
    "another index": RECEIPT.replace("index 5", "index 6", 1),
    "an index beyond the tree": RECEIPT.replace("index 5", "index 11", 1),
    "a negative index": RECEIPT.replace("index 5", "index -5", 1),
    "an index with a zero before it": RECEIPT.replace("index 5", "index 05", 1),
    "an index with a plus": RECEIPT.replace("index 5", "index +5", 1),
    "an index of other digits": RECEIPT.replace("index 5", "index \N{ARABIC-INDIC DIGIT FIVE}", 1),
    "an index of 2^64 + 5": RECEIPT.replace("index 5", f"index {2**64 + 5}", 1),
    "an index of a million digits": RECEIPT.replace("index 5", "index " + "9" * 999_000, 1),
    "an index twice": RECEIPT.replace(NUMBER, f"{NUMBER}\n{NUMBER}", 1),
    "extra after the index": RECEIPT.replace(f"{EXTRA}\n{NUMBER}", f"{NUMBER}\n{EXTRA}", 1),
    "another entry": RECEIPT.replace(EXTRA, "extra " + base64.b64encode(ENTRIES[6]).decode(), 1),
    "a hash too few": without(PATH[0] + "\n"),
    "the last hash missing": without(PATH[-1] + "\n"),
    "a hash too many": RECEIPT.replace(PATH[0], PATH[0] + "\n" + PATH[0], 1),
    "two hashes swapped": RECEIPT.replace(f"{PATH[0]}\n{PATH[1]}", f"{PATH[1]}\n{PATH[0]}", 1),
    "a hash too short": RECEIPT.replace(PATH[0], base64.b64encode(bytes(31)).decode(), 1),
    "a hash too long": RECEIPT.replace(PATH[0], base64.b64encode(bytes(33)).decode(), 1),
    "64 hashes": RECEIPT.replace(PATH[0], "\n".join([PATH[0]] * 64), 1),
    "a hash without padding": RECEIPT.replace(PATH[0], PATH[0].rstrip("="), 1),
    "a hash in the other alphabet": RECEIPT.replace(PATH[0], "_" + PATH[0][1:], 1),
    "a hash with spare bits": RECEIPT.replace(PATH[0], PATH[0][:-2] + chr(ord(PATH[0][-2]) + 1) + "=", 1),
    "a space behind a hash": RECEIPT.replace(PATH[0], PATH[0] + " ", 1),
    "carriage returns": RECEIPT.replace("\n", "\r\n"),
    "a carriage return in the proof": RECEIPT.replace(NUMBER, NUMBER + "\r", 1),
    "an empty line more": RECEIPT.replace(NUMBER, NUMBER + "\n", 1),
    "no note": RECEIPT[: RECEIPT.index("\n\n") + 2],
    "no blank line before the note": RECEIPT.replace("\n\n", "\n", 1),
    "a note without signatures": RECEIPT[: RECEIPT.rindex("\n\n") + 2],
    "a size of 0": RECEIPT.replace("\n11\n", "\n0\n", 1),
    "another size": RECEIPT.replace("\n11\n", "\n12\n", 1),
    "a size of 2^64 + 11": RECEIPT.replace("\n11\n", f"\n{2**64 + 11}\n", 1),
    "a size of a million digits": RECEIPT.replace("\n11\n", "\n" + "1" * 990_000 + "\n", 1),
    "another origin": RECEIPT.replace("\nexample.org/log\n", "\nexample.org/lag\n", 1),
    "a false signature after the true one": RECEIPT + FALSE,
    "no line break at the end": RECEIPT[:-1],
    "too long": RECEIPT + "x" * 1_000_000,
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_what_is_malformed_is_refused(text: str) -> None:
    assert text != RECEIPT
    with pytest.raises((ProofRefused, NoteRefused)):
        verify_receipt(text, opened)


def test_a_key_that_is_not_known_convinces_nobody() -> None:
    with pytest.raises(NoteRefused, match="No known key"):
        verify_receipt(RECEIPT, lambda note: opened(note, [STRANGER.verifier]))


@given(st.integers(0, len(RECEIPT) - 1), st.characters())
def test_no_changed_receipt_verifies(at: int, replacement: str) -> None:
    changed = RECEIPT[:at] + replacement + RECEIPT[at + 1 :]
    try:
        verify_receipt(changed, opened)
    except CryptoError:
        assert changed != RECEIPT
    else:
        # Only the name or number of a key that nobody here knows may differ: such a signature is passed over.
        assert Proof.parse(changed).extra == ENTRIES[INDEX]
        assert changed[: RECEIPT.rindex("\n\n")] == RECEIPT[: RECEIPT.rindex("\n\n")]


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    for attempt in (text, HEADER + "\n" + text, RECEIPT.replace(PATH[0], text, 1)):
        if attempt != RECEIPT:
            with pytest.raises(CryptoError):
                verify_receipt(attempt, opened)
