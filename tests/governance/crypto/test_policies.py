"""Policies: who must have signed, as the specification writes it; whatever it forbids is refused with its line."""

from pathlib import Path

import pytest

from governance.crypto.checkpoints import Checkpoint
from governance.crypto.errors import NoteRefused
from governance.crypto.notes import signed_note
from governance.crypto.policies import Policy
from governance.crypto.signatures import SignatureType, Signer

LOG = Signer("example.org/log", b"\1" * 32)
LOG_TOO = Signer("example.org/log", b"\2" * 32, SignatureType.COSIGNATURE_ML_DSA_44)
WITNESSES = {
    name: Signer(f"witness.example/{name}", bytes([number]) * 32, type_)
    for number, (name, type_) in enumerate(
        [
            ("X1", SignatureType.COSIGNATURE_ED25519),
            ("X2", SignatureType.COSIGNATURE_ML_DSA_44),
            ("X3", SignatureType.COSIGNATURE_ED25519),
            ("Y1", SignatureType.COSIGNATURE_ML_DSA_44),
            ("Y2", SignatureType.COSIGNATURE_ED25519),
        ],
        10,
    )
}
HEAD = Checkpoint("example.org/log", 7, bytes(32))
NAMED = "".join(f"witness {name} {signer.verifier.vkey}\n" for name, signer in WITNESSES.items())
TEXT = f"""# whose word counts
log {LOG.verifier.vkey} https://example.org/log/
\tlog\t{LOG_TOO.verifier.vkey}

{NAMED}group X 2 X1 X2 X3
group Y any Y1 Y2
group both all X Y
quorum both
"""


def note(*names: str, log: tuple[Signer, ...] = (LOG, LOG_TOO), head: Checkpoint = HEAD) -> str:
    return signed_note(head.text, [*log, *(WITNESSES[name] for name in names)], at=1)


@pytest.mark.parametrize("names", [("X1", "X2", "Y1"), ("X3", "X2", "Y2"), tuple(WITNESSES)])
def test_a_quorum_opens_the_checkpoint(names: tuple[str, ...]) -> None:
    assert Policy.parse(TEXT).open(note(*names)) == HEAD
    assert Policy.parse(TEXT).open(note(*names, log=(LOG_TOO,))) == HEAD


@pytest.mark.parametrize("names", [(), ("X1", "X2"), ("X1", "Y1", "Y2"), ("Y1", "Y2")])
def test_less_than_the_quorum_does_not(names: tuple[str, ...]) -> None:
    with pytest.raises(NoteRefused, match="witnesses"):
        Policy.parse(TEXT).open(note(*names))
    assert Policy.parse(TEXT.replace("quorum both", "quorum none")).open(note(*names)) == HEAD


def test_witnesses_alone_are_no_log() -> None:
    with pytest.raises(NoteRefused, match="No log"):
        Policy.parse(TEXT).open(note("X1", "X2", "Y1", log=()))
    foreign = Checkpoint("example.org/other", 7, bytes(32))
    with pytest.raises(NoteRefused, match="No log"):
        Policy.parse(TEXT).open(note("X1", "X2", "Y1", log=(LOG,), head=foreign))


def test_names_and_comments_are_octets(tmp_path: Path) -> None:
    """C2SP tlog-policy recommends UTF-8 and asks for no more; it forbids carriage returns."""
    path = tmp_path / "policy"
    octets = TEXT.encode().replace(b"whose", b"\xe9").replace(b" both", b" \xff\x85")
    path.write_bytes(octets)
    assert Policy.read(path).open(note("X1", "X2", "Y1")) == HEAD
    path.write_bytes(octets.replace(b"\n", b"\r\n"))
    with pytest.raises(NoteRefused, match="Line 1 "):
        Policy.read(path)
    path.write_bytes(octets.replace(LOG.name.encode(), b"example.org/\xff"))
    with pytest.raises(NoteRefused, match="do not show"):
        Policy.read(path)


VKEY = WITNESSES["X1"].verifier.vkey
OTHER = WITNESSES["X3"].verifier.vkey
RENAMED = Signer("witness.example/again", bytes([10]) * 32, SignatureType.COSIGNATURE_ED25519).verifier.vkey
REFUSED = {
    "no quorum": f"witness a {VKEY}\n",
    "two quorums": "quorum none\nquorum none\n",
    "an unknown quorum": "quorum a\n",
    "a quorum before its witness": f"quorum a\nwitness a {VKEY}\n",
    "an unknown word": "quorum none\nlogs x\n",
    "a log key that is a witness's": f"log {VKEY}\nquorum none\n",
    "a witness key that is a log's": f"witness a {LOG.verifier.vkey}\nquorum none\n",
    "no key": "log nonsense\nquorum none\n",
    "a log twice": f"log {LOG.verifier.vkey}\nlog {LOG.verifier.vkey}\nquorum none\n",
    "a witness key twice": f"witness a {VKEY}\nwitness b {VKEY}\nquorum none\n",
    "a witness key under two names": f"witness a {VKEY}\nwitness b {RENAMED}\nquorum none\n",
    "a name twice": f"witness a {VKEY}\nwitness a {OTHER}\nquorum none\n",
    "the name none": f"witness none {VKEY}\nquorum none\n",
    "a group without members": f"witness a {VKEY}\ngroup g all\nquorum g\n",
    "a group with itself": f"witness a {VKEY}\ngroup g all a g\nquorum g\n",
    "a member twice": f"witness a {VKEY}\ngroup g 2 a a\nquorum g\n",
    "a member of two groups": f"witness a {VKEY}\ngroup g any a\ngroup h any a\nquorum h\n",
    "none as a member": "group g any none\nquorum g\n",
    "a threshold of 0": f"witness a {VKEY}\ngroup g 0 a\nquorum g\n",
    "a threshold beyond the members": f"witness a {VKEY}\ngroup g 2 a\nquorum g\n",
    "a threshold that is no number": f"witness a {VKEY}\ngroup g one a\nquorum g\n",
    "a carriage return": "quorum none\r\n",
    "words too many": f"log {LOG.verifier.vkey} url more\nquorum none\n",
    "a witness without a key": "witness a\nquorum none\n",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_the_specification_forbids_is_refused(text: str) -> None:
    with pytest.raises(NoteRefused):
        Policy.parse(text)
