"""Verifies what somebody brings, a receipt or an exported folder, with this ledger's own keys; reads no table."""

from dataclasses import dataclass
from pathlib import Path

from governance.audit import trust
from governance.crypto.errors import NoteRefused, ProofRefused
from governance.crypto.exported import verify_folder
from governance.crypto.proofs import verify_receipt
from governance.errors import BadInput


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a receipt says, or what is wrong with it."""

    entry: str = ""
    index: int = 0
    size: int = 0
    problem: str = ""


def receipt(text: str) -> Receipt:
    """Judge a receipt; raises BadInput when no key of ours signed its checkpoint."""
    try:
        proof, head = verify_receipt(text, trust.policy().open)
    except ProofRefused as refused:
        return Receipt(problem=f"The receipt does not hold. {refused}")
    except NoteRefused as refused:
        message = f"This is not a receipt of this ledger. {refused}"
        raise BadInput(message) from refused
    return Receipt((proof.extra or b"").decode(errors="replace"), proof.index, head.size)


def folder(path: Path) -> tuple[int, list[str], int]:
    """Answer size, first problems and their number; raises BadInput when no key of ours signed its checkpoint."""
    try:
        result = verify_folder(path, trust.policy())
    except NoteRefused as refused:
        message = f"This is not an export of this ledger. {refused}"
        raise BadInput(message) from refused
    return result.size, result.problems, result.found
