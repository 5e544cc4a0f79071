"""Reads and creates the local key file and refuses an unsafe one with the remedy; no key is shown or kept elsewhere."""

import base64
import errno
import os
import stat
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, NoReturn

from governance.crypto.envelope import KEY_ID_LENGTH, KEY_LENGTH, new_key, new_key_id
from governance.crypto.errors import KeyringRefused

_SIZE_LIMIT: Final = 64 * 1024
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_PREAMBLE: Final = "# Keys of this installation: <kind> <id> <state> <key>. Back it up apart from the database.\n"


class Kind(StrEnum):
    """What a key is for; the three never stand in for each other."""

    ROOT = "root"  # wraps the controllers' keys
    INDEX = "index"  # blind indexes are derived from it, on a branch of their own
    SIGN = "sign"  # Ed25519 seed that signs the ledger's checkpoints


class State(StrEnum):
    """How far a key may still be used."""

    ACTIVE = "active"
    DECRYPT_ONLY = "decrypt-only"  # opens or verifies what exists; makes nothing new
    RETIRED = "retired"  # named in the file, refused on use


@dataclass(frozen=True, slots=True)
class KeyringEntry:
    """One line of the key file; the key itself is left out of `repr` and refuses pickling."""

    kind: Kind
    key_id: bytes
    state: State
    key: bytes = field(repr=False)

    def __reduce__(self) -> NoReturn:
        raise TypeError("A keyring entry holds a key and is never pickled or copied.")


class Keyring:
    """The keys of one installation; every kind has exactly one active key."""

    __slots__ = ("_entries",)

    def __init__(self, entries: Iterable[KeyringEntry]) -> None:
        self._entries = tuple(entries)
        _require_distinct(self._entries)
        _require_one_active(self._entries)
        _require_one_index(self._entries)

    def active(self, kind: Kind) -> KeyringEntry:
        """Answer the one key of this kind that may make new things."""
        return next(entry for entry in self._entries if entry.kind is kind and entry.state is State.ACTIVE)

    def find(self, kind: Kind, key_id: bytes) -> KeyringEntry:
        """Answer the key with this id, active or decrypt-only; raises KeyringRefused for any other."""
        for entry in self._entries:
            if entry.kind is kind and entry.key_id == key_id:
                if entry.state is State.RETIRED:
                    raise _key_refused(kind, key_id, "is retired; nothing may use it any more.")
                return entry
        raise _key_refused(kind, key_id, "is not in the key file; restore its line from the key backup.")

    def entries(self, kind: Kind) -> tuple[KeyringEntry, ...]:
        """Answer every key of this kind, whatever its state."""
        return tuple(entry for entry in self._entries if entry.kind is kind)

    def usable(self, kind: Kind) -> tuple[KeyringEntry, ...]:
        """Answer every key of this kind that is not retired, the active one first."""
        held = [entry for entry in self._entries if entry.kind is kind and entry.state is not State.RETIRED]
        return tuple(sorted(held, key=lambda entry: entry.state is not State.ACTIVE))

    def __repr__(self) -> str:
        listed = ", ".join(f"{entry.kind} {entry.key_id.hex()} {entry.state}" for entry in self._entries)
        return f"<Keyring {listed}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A keyring holds keys and is never pickled or copied.")


def load(path: str | os.PathLike[str]) -> Keyring:
    """Read the key file; raises KeyringRefused with the exact reason and the remedy."""
    descriptor = _open(path)
    try:
        # The opened descriptor is examined, not the path: a file swapped in between cannot pass.
        _require_private(os.fstat(descriptor), path)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(_SIZE_LIMIT + 1)
    finally:
        os.close(descriptor)
    if len(content) > _SIZE_LIMIT:
        raise _file_refused(path, "is larger than 64 KiB; this is not a key file.")
    return parse(content)


def parse(content: bytes) -> Keyring:
    """Read the text of a key file; blank lines and lines beginning with # are skipped."""
    entries = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        text = line.strip()
        if text and not text.startswith(b"#"):
            entries.append(_entry(number, text))
    return Keyring(entries)


def generate(path: str | os.PathLike[str]) -> Keyring:
    """Create the key file with fresh keys, mode 0600; never overwrites. Raises KeyringRefused."""
    entries = [KeyringEntry(kind, new_key_id(), State.ACTIVE, new_key()) for kind in Kind]
    content = _PREAMBLE + "".join(_line(entry) for entry in entries)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileExistsError:
        raise _file_refused(path, "exists; it is never overwritten. Move it away first.") from None
    except OSError as error:
        raise _file_refused(path, f"cannot be created: {_reason(error)}.") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            file.write(content.encode())
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        Path(path).unlink(missing_ok=True)  # half a key file would block the next attempt
        raise _file_refused(path, f"cannot be written: {_reason(error)}.") from None
    return Keyring(entries)


def _open(path: str | os.PathLike[str]) -> int:
    # O_NOFOLLOW: a link planted here could point the service at a key file of someone else's choosing.
    # O_NONBLOCK: a named pipe must be refused, not waited on.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        return os.open(path, flags)
    except FileNotFoundError:
        raise _file_refused(path, "is missing; restore it, or create one for a new service.") from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _file_refused(path, "is a symbolic link; name the file itself.") from None
        raise _file_refused(path, f"cannot be read: {_reason(error)}.") from None


def _require_private(status: os.stat_result, path: str | os.PathLike[str]) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _file_refused(path, "is not a regular file.")
    if status.st_uid != os.geteuid():
        owner, runner = status.st_uid, os.geteuid()
        raise _file_refused(path, f"belongs to another user (uid {owner}); make uid {runner} its owner.")
    if status.st_mode & _OTHERS:
        mode = stat.S_IMODE(status.st_mode)
        raise _file_refused(path, f"has mode {mode:04o}; others could use it. Run chmod 600 on it.")


def _entry(number: int, text: bytes) -> KeyringEntry:
    fields = text.decode("ascii", "replace").split()
    if len(fields) != 4:
        raise _line_refused(number, "a line is <kind> <id> <state> <key>.")
    kind, key_id, state, key = fields
    return KeyringEntry(_kind(number, kind), _key_id(number, key_id), _state(number, state), _key(number, key))


def _kind(number: int, text: str) -> Kind:
    try:
        return Kind(text)
    except ValueError:
        raise _line_refused(number, f"the kind is one of {', '.join(Kind)}.") from None


def _state(number: int, text: str) -> State:
    try:
        return State(text)
    except ValueError:
        raise _line_refused(number, f"the state is one of {', '.join(State)}.") from None


def _key_id(number: int, text: str) -> bytes:
    try:
        key_id = bytes.fromhex(text)
    except ValueError:
        key_id = b""
    if len(key_id) != KEY_ID_LENGTH or key_id.hex() != text:
        raise _line_refused(number, "the id is 16 lower-case hexadecimal digits.")
    return key_id


def _key(number: int, text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:  # binascii.Error, or a letter outside ASCII
        raise _line_refused(number, "the key is not valid base64.") from None
    if len(key) != KEY_LENGTH:
        raise _line_refused(number, f"the key is {len(key)} bytes; it must be {KEY_LENGTH}.")
    if not any(key):
        raise _line_refused(number, "the key is all zeros; generate a real one.")
    return key


def _require_distinct(entries: tuple[KeyringEntry, ...]) -> None:
    ids = Counter(entry.key_id for entry in entries)
    for key_id, uses in ids.items():
        if uses > 1:
            reason = f"The key file has the id {key_id.hex()} {uses} times; every id is used once."
            raise KeyringRefused(reason)
    # One key under two kinds would join branches that are kept apart on purpose.
    if len({entry.key for entry in entries}) != len(entries):
        raise KeyringRefused("The key file holds the same key under two ids; every key is used once.")


def _require_one_active(entries: tuple[KeyringEntry, ...]) -> None:
    active = Counter(entry.kind for entry in entries if entry.state is State.ACTIVE)
    for kind in Kind:
        if active[kind] != 1:
            reason = f"The key file has {active[kind]} active {kind} keys; it must have exactly one."
            raise KeyringRefused(reason)


def _require_one_index(entries: tuple[KeyringEntry, ...]) -> None:
    # A new index key finds nobody who was registered under the old one, and would let one value be registered twice.
    for entry in entries:
        if entry.kind is Kind.INDEX and entry.state is not State.ACTIVE:
            reason = (
                f"The index key {entry.key_id.hex()} of the key file is {entry.state}; an index key is never replaced,"
                " or nobody registered before is found. Make it active and remove the other index line; indexes get"
                " new keys by rotating their versions (manage.py rotate_index_keys)."
            )
            raise KeyringRefused(reason)


def _line(entry: KeyringEntry) -> str:
    return f"{entry.kind} {entry.key_id.hex()} {entry.state} {base64.b64encode(entry.key).decode()}\n"


def _file_refused(path: str | os.PathLike[str], reason: str) -> KeyringRefused:
    return KeyringRefused(f"The key file {os.fspath(path)} {reason}")


def _line_refused(number: int, reason: str) -> KeyringRefused:
    return KeyringRefused(f"Line {number} of the key file: {reason}")


def _key_refused(kind: Kind, key_id: bytes, reason: str) -> KeyringRefused:
    return KeyringRefused(f"The {kind} key {key_id.hex()} {reason}")


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else "unknown reason"
