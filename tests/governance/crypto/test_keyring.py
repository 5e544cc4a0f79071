"""The key file: a good one loads, every unsafe or malformed one is refused with its reason and without its keys."""

import base64
import copy
import os
import pickle
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from governance.crypto import keyring
from governance.crypto.errors import KeyringRefused
from governance.crypto.keyring import Keyring, Kind, State

KEYS = {n: base64.b64encode(bytes([n]) * 32).decode() for n in range(1, 10)}
ROOT = f"root 0000000000000001 active {KEYS[1]}"
INDEX = f"index 0000000000000002 active {KEYS[2]}"
SIGN = f"sign 0000000000000003 active {KEYS[3]}"
GOOD = [ROOT, INDEX, SIGN]


def text(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "keyring"
    path.touch(mode=0o600)
    path.write_bytes(text(*GOOD))
    return path


def test_a_generated_file_loads_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "keyring"
    old_mask = os.umask(0o277)  # neither a wide nor a narrow umask decides the mode
    try:
        made = keyring.generate(path)
    finally:
        os.umask(old_mask)
    loaded = keyring.load(path)

    assert path.stat().st_mode & 0o7777 == 0o600
    for kind in Kind:
        assert loaded.active(kind) == made.active(kind)
        assert len(loaded.active(kind).key) == 32
    assert len({made.active(kind).key for kind in Kind}) == 3


def test_two_installations_share_no_key(tmp_path: Path) -> None:
    first, second = keyring.generate(tmp_path / "a"), keyring.generate(tmp_path / "b")
    for kind in Kind:
        assert first.active(kind).key != second.active(kind).key
        assert first.active(kind).key_id != second.active(kind).key_id


def test_an_existing_file_is_never_overwritten(path: Path) -> None:
    with pytest.raises(KeyringRefused, match="never overwritten"):
        keyring.generate(path)
    assert path.read_bytes() == text(*GOOD)


def test_a_dangling_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyringRefused):
        keyring.generate(tmp_path / "link")
    assert not (tmp_path / "elsewhere").exists()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyringRefused, match="cannot be created: No such file"):
        keyring.generate(tmp_path / "none" / "keyring")


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeyringRefused, match="No space left"):
        keyring.generate(tmp_path / "keyring")
    assert list(tmp_path.iterdir()) == []


def test_comments_blank_lines_and_spaces_are_skipped() -> None:
    ring = keyring.parse(text("# keys", "", "   ", *GOOD, f"root  00000000000000aa\tdecrypt-only  {KEYS[4]}  "))
    assert ring.find(Kind.ROOT, bytes.fromhex("00000000000000aa")).state is State.DECRYPT_ONLY


def test_old_keys_are_found_and_retired_ones_refused() -> None:
    ring = keyring.parse(
        text(f"root 00000000000000aa decrypt-only {KEYS[4]}", *GOOD, f"root 00000000000000bb retired {KEYS[5]}")
    )
    old, gone, foreign = (bytes.fromhex(f"00000000000000{end}") for end in ("aa", "bb", "cc"))

    assert ring.active(Kind.ROOT).key_id == bytes.fromhex("0000000000000001")
    assert ring.find(Kind.ROOT, old).key == bytes([4]) * 32
    assert [entry.key_id for entry in ring.usable(Kind.ROOT)] == [ring.active(Kind.ROOT).key_id, old]
    with pytest.raises(KeyringRefused, match=r"root key 00000000000000bb is retired"):
        ring.find(Kind.ROOT, gone)
    with pytest.raises(KeyringRefused, match=r"restore its line"):
        ring.find(Kind.ROOT, foreign)
    with pytest.raises(KeyringRefused):
        ring.find(Kind.INDEX, old)


REFUSED = {
    "empty": ([], "0 active root keys"),
    "no active key": ([ROOT.replace("active", "decrypt-only"), INDEX, SIGN], "0 active root keys"),
    "no key of a kind": ([ROOT, INDEX], "0 active sign keys"),
    "two active keys": ([*GOOD, f"root 00000000000000aa active {KEYS[4]}"], "2 active root keys"),
    "duplicate id": ([*GOOD, f"root 0000000000000001 retired {KEYS[4]}"], "id 0000000000000001 2 times"),
    "duplicate id, other kind": ([*GOOD, f"sign 0000000000000001 retired {KEYS[4]}"], "id 0000000000000001 2 times"),
    "one key twice": ([*GOOD, f"root 00000000000000aa retired {KEYS[2]}"], "same key under two ids"),
    "unknown kind": (
        [*GOOD, f"master 00000000000000aa retired {KEYS[4]}"],
        "Line 4 .*kind is one of root, index, sign",
    ),
    "unknown state": ([*GOOD, f"root 00000000000000aa old {KEYS[4]}"], "Line 4 .*state is one of"),
    "short id": ([*GOOD, f"root 00aa retired {KEYS[4]}"], "Line 4 .*16 lower-case"),
    "upper-case id": ([*GOOD, f"root 00000000000000AA retired {KEYS[4]}"], "Line 4 .*16 lower-case"),
    "id that is no number": ([*GOOD, f"root 00000000000000zz retired {KEYS[4]}"], "Line 4 .*16 lower-case"),
    "31 bytes": ([*GOOD, f"root 00000000000000aa retired {base64.b64encode(b'k' * 31).decode()}"], "31 bytes; it must"),
    "64 bytes": ([*GOOD, f"root 00000000000000aa retired {base64.b64encode(b'k' * 64).decode()}"], "64 bytes; it must"),
    "all zeros": ([*GOOD, f"root 00000000000000aa retired {base64.b64encode(bytes(32)).decode()}"], "all zeros"),
    "bad base64": ([*GOOD, f"root 00000000000000aa retired {KEYS[4][:-2]}"], "not valid base64"),
    "base64 with a stray letter": ([*GOOD, f"root 00000000000000aa retired {KEYS[4]}é"], "not valid base64"),
    "an old index key": (
        [ROOT, INDEX.replace("active", "decrypt-only"), SIGN, f"index 00000000000000aa active {KEYS[4]}"],
        "index key 0000000000000002 .* is decrypt-only; an index key is never replaced",
    ),
    "a retired index key": (
        [*GOOD, f"index 00000000000000aa retired {KEYS[4]}"],
        "index key 00000000000000aa .*retired",
    ),
    "a field missing": ([*GOOD, f"root 00000000000000aa {KEYS[4]}"], "Line 4 .*<kind> <id> <state> <key>"),
    "a field too many": ([*GOOD, f"root 00000000000000aa retired {KEYS[4]} x"], "Line 4 .*<kind> <id> <state> <key>"),
}


@pytest.mark.parametrize(("lines", "reason"), REFUSED.values(), ids=REFUSED)
def test_malformed_text_is_refused_with_its_reason(path: Path, lines: list[str], reason: str) -> None:
    path.write_bytes(text(*lines))
    with pytest.raises(KeyringRefused, match=reason) as refusal:
        keyring.load(path)
    # Neither the message nor what hangs on it tells a key.
    chain = repr([refusal.value.args, refusal.value.__context__, refusal.value.__cause__])
    assert not any(key[:12] in chain for key in KEYS.values())


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(KeyringRefused, match="Line 1"):
        keyring.parse(bytes(range(128, 256)))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o610, 0o601, 0o660, 0o602, 0o644, 0o777])
def test_a_file_open_to_others_is_refused(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(KeyringRefused, match=f"mode {mode:04o}.*chmod 600"):
        keyring.load(path)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_private_file_loads(path: Path, mode: int) -> None:
    path.chmod(mode)
    assert isinstance(keyring.load(path), Keyring)
    assert isinstance(keyring.load(str(path)), Keyring)


def link(path: Path) -> Path:
    other = path.with_name("link")
    other.symlink_to(path)
    return other


def dangling(path: Path) -> Path:
    return link(path.with_name("missing"))


def folder(path: Path) -> Path:
    other = path.with_name("folder")
    other.mkdir(mode=0o700)
    return other


def pipe(path: Path) -> Path:
    other = path.with_name("pipe")
    os.mkfifo(other, 0o600)
    return other


def unix_socket(path: Path) -> Path:
    other = path.with_name("s")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(other))
    return other


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.with_name("missing"), "is missing"),
        (link, "is a symbolic link"),
        (dangling, "is a symbolic link"),
        (folder, "is not a regular file"),
        (pipe, "is not a regular file"),
        (unix_socket, "cannot be read"),
        (lambda path: path / "below", "cannot be read: Not a directory"),
    ],
)
def test_what_is_no_plain_file_is_refused(path: Path, make: Callable[[Path], Path], reason: str) -> None:
    with pytest.raises(KeyringRefused, match=reason):
        keyring.load(make(path))


def test_a_foreign_owner_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = path.stat().st_uid
    if os.geteuid() == 0:
        os.chown(path, 12345, -1)
        owner = 12345
    else:  # cannot give a file away, so be somebody else
        monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(KeyringRefused, match=f"another user \\(uid {owner}\\); make uid"):
        keyring.load(path)


def test_an_endless_file_is_refused(path: Path) -> None:
    path.write_bytes(text(*GOOD) + b"#" * 70_000)
    with pytest.raises(KeyringRefused, match="larger than 64 KiB"):
        keyring.load(path)


def test_a_keyring_shows_ids_only_and_ships_nothing() -> None:
    ring = keyring.parse(text(*GOOD))
    shown = f"{ring!r} {ring!s} {ring.active(Kind.ROOT)!r} {ring.active(Kind.SIGN)}"
    assert "0000000000000001" in shown
    assert KEYS[1] not in shown
    assert repr(bytes([1]) * 32) not in shown
    for held in (ring, ring.active(Kind.ROOT)):
        for ship in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="never pickled"):
                ship(held)
