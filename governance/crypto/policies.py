"""Whose word counts (C2SP tlog-policy): logs, witnesses and their quorum; it opens notes and no network."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from governance.crypto.checkpoints import Checkpoint
from governance.crypto.errors import NoteRefused
from governance.crypto.notes import opened_note
from governance.crypto.signatures import COSIGNATURES, LOG_SIGNATURES, Verifier

NONE: Final = "none"

_FORBIDDEN: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_LIMIT: Final = 1_000


@dataclass(frozen=True, slots=True)
class Witness:
    """Somebody whose cosignatures count, and where checkpoints are submitted to them, if that is said."""

    name: str
    verifier: Verifier
    url: str = ""


@dataclass(slots=True)
class Policy:
    """What a checkpoint must carry to be believed."""

    logs: list[Verifier] = field(default_factory=list)
    witnesses: dict[str, Witness] = field(default_factory=dict)
    groups: dict[str, tuple[int, tuple[str, ...]]] = field(default_factory=dict)
    quorum: str = ""

    @classmethod
    def parse(cls, text: str) -> "Policy":
        """Read a policy file; raises NoteRefused with the number of the line."""
        policy = cls()
        reader = _Reader(policy)
        for number, line in enumerate(text.split("\n"), 1):
            try:
                reader.read(line)
            except NoteRefused as refused:
                message = f"Line {number} of the policy: {refused}"
                raise NoteRefused(message) from refused
        if not policy.quorum:
            raise NoteRefused("A policy has one quorum line, if only: quorum none")
        return policy

    @classmethod
    def read(cls, path: Path) -> "Policy":
        """Read a policy from a file; raises NoteRefused. Names and comments are octets there and need not be UTF-8."""
        return cls.parse(path.read_bytes().decode(errors="surrogateescape"))

    def open(self, note: str) -> Checkpoint:
        """Answer the checkpoint of a note that a log here signed and the quorum cosigned; raises NoteRefused."""
        text, vouched = opened_note(note, [*self.logs, *(each.verifier for each in self.witnesses.values())])
        checkpoint = Checkpoint.parse(text)
        # A key's name is its log's origin; one key can sign for several, and another's head must not pass for this one.
        if not any(verifier in self.logs and verifier.name == checkpoint.origin for verifier in vouched):
            raise NoteRefused("No log of the policy signed the checkpoint under its own name.")
        if not self.is_witnessed(vouched):
            raise NoteRefused("The witnesses that the policy asks for did not cosign the checkpoint.")
        return checkpoint

    def is_witnessed(self, vouched: Iterable[Verifier]) -> bool:
        """Whether these cosigners are the quorum."""
        held = set(vouched)
        counted = {name for name, witness in self.witnesses.items() if witness.verifier in held}
        # A group names only what stands before it, so one pass in order decides all.
        for name, (threshold, members) in self.groups.items():
            if sum(member in counted for member in members) >= threshold:
                counted.add(name)
        return self.quorum == NONE or self.quorum in counted


class _Reader:
    """Reads one line after the other into a policy."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.keys: set[tuple[str, bytes]] = set()
        self.members: set[str] = set()
        self.lines = 0

    def read(self, line: str) -> None:
        if _FORBIDDEN.search(line):
            raise NoteRefused("only tabs are allowed as control characters")
        words = [word for word in re.split("[ \t]+", line) if word]
        if not words or words[0].startswith("#"):
            return
        self.lines += 1
        readers = {"log": self._log, "witness": self._witness, "group": self._group, "quorum": self._quorum}
        if words[0] not in readers or self.lines > _LIMIT:
            raise NoteRefused("it begins with log, witness, group or quorum, and a policy has at most 1000 such")
        readers[words[0]](words[1:])

    def _log(self, words: list[str]) -> None:
        if not 1 <= len(words) <= 2:
            raise NoteRefused("write: log VKEY [URL]")
        verifier = self._key("log", words[0])
        if verifier.type not in LOG_SIGNATURES:
            raise NoteRefused("the key is not of a type with which a log signs")
        self.policy.logs.append(verifier)

    def _witness(self, words: list[str]) -> None:
        if not 2 <= len(words) <= 3:
            raise NoteRefused("write: witness NAME VKEY [URL]")
        verifier = self._key("witness", words[1])
        if verifier.type not in COSIGNATURES:
            raise NoteRefused("the key is not of a type with which a witness cosigns")
        self._new(words[0])
        self.policy.witnesses[words[0]] = Witness(words[0], verifier, words[2] if len(words) == 3 else "")

    def _group(self, words: list[str]) -> None:
        if len(words) < 3:
            raise NoteRefused("write: group NAME all|any|NUMBER MEMBER...")
        name, wanted, *members = words
        for member in members:
            # Counted once at most, so that each witness contributes in one way only.
            if not self._is_known(member) or member in self.members:
                raise NoteRefused("a member is a name that stands above and is in no group yet")
            self.members.add(member)
        self._new(name)
        self.policy.groups[name] = (_threshold(wanted, len(members)), tuple(members))

    def _quorum(self, words: list[str]) -> None:
        if len(words) != 1 or self.policy.quorum:
            raise NoteRefused("write once: quorum NAME")
        if words[0] != NONE and not self._is_known(words[0]):
            raise NoteRefused("the quorum is a witness or group that stands above, or none")
        self.policy.quorum = words[0]

    def _key(self, kind: str, vkey: str) -> Verifier:
        verifier = Verifier.parse(vkey)
        # Under two names one holder would count twice.
        if (kind, verifier.public_key) in self.keys:
            raise NoteRefused("this public key stands there already")
        self.keys.add((kind, verifier.public_key))
        return verifier

    def _new(self, name: str) -> None:
        if name == NONE or self._is_known(name):
            raise NoteRefused("this name is taken")

    def _is_known(self, name: str) -> bool:
        return name in self.policy.witnesses or name in self.policy.groups


def _threshold(wanted: str, members: int) -> int:
    if wanted in {"all", "any"}:
        return members if wanted == "all" else 1
    # Four digits at most: a policy has no more lines.
    if not re.fullmatch("[1-9][0-9]{0,3}", wanted, re.ASCII) or int(wanted) > members:
        raise NoteRefused("the threshold is all, any, or a number from 1 to that of the members")
    return int(wanted)
