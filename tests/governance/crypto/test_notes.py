"""Signed notes and checkpoints: Go's own example verifies, and no changed, unsigned or malformed note does."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.crypto import notes
from governance.crypto.errors import NoteRefused
from governance.crypto.notes import Checkpoint, Verifier
from tests.governance.crypto.vectors import load

GO = load("notes.json")
SEED = bytes(range(32))
NAME = "audit.example.org/ledger"
VERIFIER = Verifier(NAME, notes.public_key(SEED))
OTHER = Verifier(NAME, notes.public_key(bytes(32)))
TEXT = "first line\nsecond line\n"
NOTE = notes.sign_note(TEXT, NAME, SEED)
ROOT = bytes(range(32))


def test_go_example_verifies() -> None:
    verifier = Verifier.parse(GO["vkey"])
    assert verifier.vkey == GO["vkey"]
    assert notes.verify_note(GO["note"], [verifier]) == GO["text"]
    with pytest.raises(NoteRefused):
        notes.verify_note(GO["note"].replace("answer", "Answer"), [verifier])


def test_a_note_is_text_blank_line_signature() -> None:
    text, line = NOTE.split("\n\n")
    assert text + "\n" == TEXT
    prefix, name, encoded = line.removesuffix("\n").split(" ")
    data = base64.b64decode(encoded)
    assert (prefix, name, data[:4], len(data)) == ("—", NAME, VERIFIER.key_hash, 4 + 64)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]) | st.just("\n"), max_size=60))
def test_round_trip(text: str) -> None:
    text += "\n"
    assert notes.verify_note(notes.sign_note(text, NAME, SEED), [VERIFIER]) == text


@given(st.integers(0, len(NOTE) - 1), st.characters())
def test_no_changed_note_verifies_as_another_text(at: int, replacement: str) -> None:
    changed = NOTE[:at] + replacement + NOTE[at + 1 :]
    try:
        assert notes.verify_note(changed, [VERIFIER]) == TEXT
        assert changed == NOTE
    except NoteRefused:
        assert changed != NOTE


def test_signatures_of_unknown_keys_neither_help_nor_hurt() -> None:
    both = notes.sign_note(TEXT, "stranger", bytes(32)) + NOTE.split("\n\n")[1]
    assert notes.verify_note(both, [VERIFIER]) == TEXT
    assert notes.verify_note(both, [OTHER, VERIFIER]) == TEXT
    for verifiers in ([], [OTHER], [Verifier("stranger", VERIFIER.public_key)]):
        with pytest.raises(NoteRefused, match="No known key"):
            notes.verify_note(both, verifiers)


@pytest.mark.parametrize("name", ["x/\u200by", "x\u202ey", "\ue000", "\U000e0fff", "x\x7f", "x\x80y"])
def test_a_strangers_name_need_not_show(name: str) -> None:
    """C2SP signed-note forbids spaces and plus signs in names, and asks to ignore signatures of unknown keys."""
    stranger = f"— {name} {base64.b64encode(bytes(70)).decode()}\n"
    assert notes.verify_note(NOTE + stranger, [VERIFIER]) == TEXT
    with pytest.raises(NoteRefused, match="do not show"):
        notes.sign_note(TEXT, name, SEED)


def test_a_false_signature_of_a_known_key_refuses_the_note() -> None:
    stranger = notes.sign_note(TEXT, "stranger", bytes(32))
    false = base64.b64encode(VERIFIER.key_hash + bytes(64)).decode()
    with pytest.raises(NoteRefused, match="does not fit"):
        notes.verify_note(f"{stranger}— {NAME} {false}\n", [VERIFIER, Verifier("stranger", OTHER.public_key)])


SIGNATURE = NOTE.split("\n\n")[1]
MALFORMED = {
    "empty": "",
    "no signature": TEXT,
    "no blank line": TEXT + SIGNATURE,
    "no line break at the end": NOTE[:-1],
    "nothing after the blank line": TEXT + "\n",
    "a blank line among the signatures": NOTE + "\n" + SIGNATURE.strip(),
    "a hyphen for the dash": NOTE.replace("—", "-"),
    "a signature without a name": f"{TEXT}\n—  {SIGNATURE.split()[2]}\n",
    "a name with a control character": NOTE.replace(f"— {NAME}", f"— {NAME}\x1b"),
    "a name with a lone surrogate": NOTE + SIGNATURE.replace(NAME, "\udc80"),
    "a name with a space of another width": NOTE + SIGNATURE.replace(NAME, "a\u3000b"),
    "a name with a plus": NOTE.replace(f"— {NAME}", f"— {NAME}+"),
    "bad base64": NOTE[:-2] + "!\n",
    "base64 with its spare bits set": NOTE[:-3] + chr(ord(NOTE[-3]) + 1) + NOTE[-2:],
    "an empty signature": f"{TEXT}\n— {NAME} \n",
    "a signature of a key hash alone": f"{TEXT}\n— {NAME} {base64.b64encode(VERIFIER.key_hash).decode()}\n",
    "a control character": NOTE.replace("first", "fir\x1bst"),
    "a tab": NOTE.replace("first line", "first\tline"),
    "a carriage return": NOTE.replace("line\n", "line\r\n"),
    "a lone surrogate": NOTE.replace("first", "\ud800"),
    "too long": "x" * 1_000_000 + NOTE,
    "too many signatures": NOTE + SIGNATURE * 100,
}


@pytest.mark.parametrize("note", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_note_is_refused(note: str) -> None:
    with pytest.raises(NoteRefused):
        notes.verify_note(note, [VERIFIER])


@pytest.mark.parametrize("text", ["", "no line break", "control \x07\n", "\ud800\n", "tab\t\n"])
def test_what_could_not_be_verified_is_not_signed(text: str) -> None:
    with pytest.raises(NoteRefused):
        notes.sign_note(text, NAME, SEED)


@pytest.mark.parametrize("name", ["", "two words", "a+b", "line\nbreak", "no-break\u00a0space"])
def test_a_key_needs_a_plain_name(name: str) -> None:
    with pytest.raises(NoteRefused, match="name of a key"):
        notes.sign_note(TEXT, name, SEED)


def test_verifier_keys_are_checked() -> None:
    name, key_hash, encoded = VERIFIER.vkey.split("+", 2)
    assert Verifier.parse(VERIFIER.vkey) == VERIFIER
    other_algorithm = base64.b64encode(b"\x02" + VERIFIER.public_key).decode()
    for vkey in (
        "",
        name,
        f"{name}+{key_hash}",
        f"{name}x+{key_hash}+{encoded}",
        f"{name}+00000000+{encoded}",
        f"{name}+{key_hash}+{encoded[:-4]}",
        f"{name}+{key_hash}+{other_algorithm}",
        f"{name}+{key_hash}+{encoded}\n",
    ):
        with pytest.raises(NoteRefused):
            Verifier.parse(vkey)
    with pytest.raises(NoteRefused):
        Verifier(NAME, b"short")
    with pytest.raises(ValueError, match="32 bytes"):
        notes.sign_note(TEXT, NAME, b"short")


def test_checkpoint_text() -> None:
    checkpoint = Checkpoint("audit.example.org/ledger", 20852163, ROOT)
    assert checkpoint.text == f"audit.example.org/ledger\n20852163\n{base64.b64encode(ROOT).decode()}\n"
    signed = notes.sign_note(checkpoint.text, NAME, SEED)
    assert Checkpoint.parse(notes.verify_note(signed, [VERIFIER])) == checkpoint
    assert Checkpoint.parse(checkpoint.text + "an extension line\n") == checkpoint


ENCODED = base64.b64encode(ROOT).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        f"origin\n1\n{ENCODED}",
        f"\n1\n{ENCODED}\n",
        f"origin\n\n{ENCODED}\n",
        f"origin\n-1\n{ENCODED}\n",
        f"origin\n01\n{ENCODED}\n",
        f"origin\n+1\n{ENCODED}\n",
        f"origin\n1_0\n{ENCODED}\n",
        f"origin\n\N{ARABIC-INDIC DIGIT ONE}\n{ENCODED}\n",
        f"origin\n{'9' * 21}\n{ENCODED}\n",
        "origin\n1\n\n",
        f"origin\n1\n{ENCODED[:-4]}\n",
        f"origin\n1\n{ENCODED} \n",
        f"origin\n1\n{ENCODED}\n\n",
        f"origin\n1\n{ENCODED}\n\nextension\n",
        f"ori\x00gin\n1\n{ENCODED}\n",
    ],
)
def test_a_malformed_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteRefused):
        Checkpoint.parse(text)


@pytest.mark.parametrize(("origin", "size", "root"), [("", 1, ROOT), ("a\nb", 1, ROOT), ("a", -1, ROOT), ("a", 1, b"")])
def test_an_impossible_checkpoint_cannot_be_made(origin: str, size: int, root: bytes) -> None:
    with pytest.raises(NoteRefused):
        Checkpoint(origin, size, root)
