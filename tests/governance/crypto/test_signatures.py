"""Signature types: a foreign log's ML-DSA-44 signature verifies, each type signs what it should and no other."""

import base64

import pytest

from governance.crypto.checkpoints import Checkpoint
from governance.crypto.errors import NoteRefused
from governance.crypto.notes import opened_note, signed_note, taken_apart, verify_note
from governance.crypto.signatures import SignatureType, Signer, Verifier
from tests.governance.crypto.vectors import load

GO = load("cosignatures.json")
HEAD = Checkpoint("example.org/log", 7, bytes(range(32)))
SIGNERS = [
    Signer("example.org/log", b"\1" * 32),
    Signer("witness.example/w", b"\2" * 32, SignatureType.COSIGNATURE_ED25519),
    Signer("witness.example/w", b"\3" * 32, SignatureType.COSIGNATURE_ML_DSA_44),
]
NOTE = signed_note(HEAD.text, SIGNERS, at=1_700_000_000)


def test_the_checkpoint_of_a_log_written_in_go_verifies() -> None:
    verifier = Verifier.parse(GO["vkey"])
    assert (verifier.type, verifier.vkey) == (SignatureType.COSIGNATURE_ML_DSA_44, GO["vkey"])
    head = Checkpoint(GO["origin"], GO["size"], base64.b64decode(GO["root"]))
    note = f"{head.text}\n— {GO['origin']} {GO['signature']}\n"
    assert Checkpoint.parse(verify_note(note, [verifier])) == head
    for changed in (note.replace("\n1\n", "\n2\n"), note.replace("\n1\n", "\n1\n").replace("+zoE", "+zoF")):
        with pytest.raises(NoteRefused):
            verify_note(changed, [verifier])


def test_a_published_cosigner_key_is_read() -> None:
    assert Verifier.parse(GO["ed25519_vkey"]).vkey == GO["ed25519_vkey"]
    assert Verifier.parse(GO["ed25519_vkey"]).type is SignatureType.COSIGNATURE_ED25519


@pytest.mark.parametrize("signer", SIGNERS, ids=lambda signer: signer.type.name)
def test_each_type_vouches_by_itself_and_for_nothing_else(signer: Signer) -> None:
    assert opened_note(NOTE, [signer.verifier]) == (HEAD.text, [signer.verifier])
    assert Verifier.parse(signer.verifier.vkey) == signer.verifier
    for wrong in (NOTE.replace("\n7\n", "\n8\n"), NOTE.replace("example.org/log\n", "example.org/lag\n", 1)):
        with pytest.raises(NoteRefused):
            verify_note(wrong, [signer.verifier])


def test_the_seed_shows_nowhere() -> None:
    assert "\\x01" not in repr(SIGNERS[0])
    with pytest.raises(ValueError, match="32 bytes"):
        Signer("a", b"short")


def test_the_stated_time_is_signed() -> None:
    _text, signatures = taken_apart(NOTE)
    for signer, signature in zip(SIGNERS[1:], signatures[1:], strict=True):
        value = signature.value
        assert int.from_bytes(value[:8], "big") == 1_700_000_000
        for time in (1_700_000_001, 2**63):
            assert not signer.verifier.accepts(HEAD.text, time.to_bytes(8, "big") + value[8:])
        assert not signer.verifier.accepts(HEAD.text, value[:-1])
    with pytest.raises(NoteRefused, match="POSIX"):
        SIGNERS[1].line(HEAD.text, at=-1)


def test_extension_lines_do_not_ride_along_unsigned() -> None:
    extended = HEAD.text + "an extension\n"
    with pytest.raises(NoteRefused, match="extension"):
        SIGNERS[2].line(extended, at=0)
    with pytest.raises(NoteRefused):
        verify_note(NOTE.replace("\n\n", "\nan extension\n\n", 1), [SIGNERS[2].verifier])
    assert verify_note(signed_note(extended, SIGNERS[1:2], at=0), [SIGNERS[1].verifier]) == extended


def test_the_name_of_an_ml_dsa_cosigner_is_signed() -> None:
    other = Verifier("witness.example/x", SIGNERS[2].verifier.public_key, SignatureType.COSIGNATURE_ML_DSA_44)
    _text, signatures = taken_apart(NOTE)
    assert SIGNERS[2].verifier.accepts(HEAD.text, signatures[2].value)
    assert not other.accepts(HEAD.text, signatures[2].value)
    with pytest.raises(NoteRefused, match="255"):
        Signer("w" * 256, b"\3" * 32, SignatureType.COSIGNATURE_ML_DSA_44).line(HEAD.text, at=0)


def test_a_doubled_signature_of_a_known_key_counts_once_and_each_must_verify() -> None:
    """A log may carry two cosignatures of one witness, made at different times."""
    verifiers = [signer.verifier for signer in SIGNERS]
    later = "".join(signer.line(HEAD.text, at=1_700_000_009) for signer in SIGNERS)
    assert opened_note(NOTE + later, verifiers) == (HEAD.text, verifiers)
    false = SIGNERS[1].line(HEAD.text + "an extension\n", at=1)
    with pytest.raises(NoteRefused, match="does not fit"):
        opened_note(NOTE + false, verifiers)


def test_keys_of_other_types_and_lengths_are_refused() -> None:
    key = base64.b64encode(b"\x02" + bytes(32)).decode()
    for vkey in (f"a+00000000+{key}", "a+00000000+" + base64.b64encode(b"\x06" + bytes(32)).decode()):
        with pytest.raises(NoteRefused):
            Verifier.parse(vkey)
