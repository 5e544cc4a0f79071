"""The text of a checkpoint (C2SP tlog-checkpoint): what a log claims about its tree; signatures are not its matter."""

import base64
import re
from dataclasses import dataclass
from typing import Final

from governance.crypto.encoding import LARGEST, from_base64, from_decimal
from governance.crypto.errors import NoteRefused
from governance.crypto.merkle import HASH_LENGTH

#: Control characters could make a terminal or a log show another text than the one signed.
UNPRINTABLE: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The claim that a log had this many entries and this root."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not self.origin or "\n" in self.origin or UNPRINTABLE.search(self.origin):
            raise NoteRefused("The origin of a checkpoint is one non-empty line.")
        if not 0 <= self.size <= LARGEST or len(self.root) != HASH_LENGTH:
            raise NoteRefused("A checkpoint has a size and a root of 32 bytes.")

    @property
    def text(self) -> str:
        """The note text to sign."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Read a checkpoint; extension lines are allowed and ignored. Raises NoteRefused."""
        lines = text.split("\n")
        # The last piece is empty because the text ends in a line break; no line before it may be.
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
            raise NoteRefused("A checkpoint has an origin, a size and a root, each on its own line.")
        return cls(lines[0], from_decimal(lines[1]), from_base64(lines[2]))
