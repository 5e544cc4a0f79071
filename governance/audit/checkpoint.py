"""Signed tree heads: made from a tree, opened from a note, turned back into the tree they sign; writes no row."""

from governance.crypto.errors import NoteRefused, ProofRefused
from governance.crypto.merkle import CompactRange
from governance.crypto.notes import Checkpoint, Verifier, opened_note
from governance.crypto.signatures import SignatureType
from governance.errors import BadInput, LedgerBroken
from governance.keys import signing
from governance.models import LedgerCheckpoint


def sign(tree: CompactRange) -> str:
    """Answer the note (C2SP tlog-checkpoint) that signs this tree."""
    return signing.sign_checkpoint(Checkpoint(signing.origin(), tree.size, tree.root()).text)


def opened(note: str) -> Checkpoint:
    """Answer what a note claims; raises NoteRefused when this ledger's key did not sign it."""
    return opened_with(note)[0]


def opened_with(note: str) -> tuple[Checkpoint, frozenset[SignatureType]]:
    """Answer the same with the kinds of our signatures on it."""
    text, vouched = opened_note(note, [Verifier.parse(key) for key in signing.verifier_keys()])
    checkpoint = Checkpoint.parse(text)
    # One key can sign for several logs; another log's head must not pass for ours.
    if checkpoint.origin != signing.origin():
        raise NoteRefused("The checkpoint belongs to another log.")
    return checkpoint, frozenset(verifier.type for verifier in vouched)


def open_checkpoint(note: str) -> Checkpoint:
    """The same for a note that somebody brings; raises BadInput."""
    try:
        return opened(note)
    except NoteRefused as refused:
        message = f"This is not a checkpoint of this ledger. {refused}"
        raise BadInput(message) from refused


def stored_tree(head: LedgerCheckpoint) -> CompactRange | None:
    """Answer the tree stored beside a checkpoint; None when its bytes are not a tree."""
    try:
        return CompactRange.from_bytes(bytes(head.frontier))
    except ProofRefused:
        return None


def newest_tree() -> CompactRange:
    """Answer the tree to extend; raises LedgerBroken when it is not the one that was signed last.

    Otherwise whoever can write to the database could put a forged tree there and have the sequencer sign it.
    """
    head = LedgerCheckpoint.objects.order_by("-size").first()
    if head is None:
        return CompactRange()
    tree = stored_tree(head)
    try:
        signed = opened(head.note)
    except NoteRefused as refused:
        raise LedgerBroken("The newest checkpoint is not signed by this ledger; run verify_audit.") from refused
    if tree is None or (head.size, tree.size, tree.root()) != (signed.size, signed.size, signed.root):
        raise LedgerBroken("The newest checkpoint does not fit its signature; run verify_audit.")
    return tree
