"""Signs and names the ledger's checkpoints; everyone outside keys and audit verifies through here."""

import time
from functools import lru_cache

from django.conf import settings

from governance.crypto import notes
from governance.crypto.checkpoints import Checkpoint
from governance.crypto.envelope import derive
from governance.crypto.errors import NoteRefused
from governance.crypto.merkle import EMPTY_ROOT
from governance.crypto.signatures import SEED_LENGTH, SignatureType, Signer
from governance.errors import KeyUnavailable, LedgerBroken
from governance.keys.providers import provider

#: Stored nowhere: the ML-DSA-44 seed comes from the provider's seed, so that no provider needs another key.
_ML_DSA_LABELS = ("ledger", "ml-dsa-44")


def origin() -> str:
    """The log's name, first line of each checkpoint."""
    return str(settings.GOVERNANCE_LOG_ORIGIN)


def require_origin() -> None:
    """Refuse a name under which no checkpoint could be signed; raises KeyUnavailable. No key is asked for."""
    name = origin()
    try:
        # With a seed that signs nothing else: what would refuse a real checkpoint refuses this one.
        notes.signed_note(Checkpoint(name, 0, EMPTY_ROOT).text, _signers(name, bytes(SEED_LENGTH)), at=0)
    except NoteRefused as refused:
        message = f"GOVERNANCE_LOG_ORIGIN cannot name a ledger. {refused}"
        raise KeyUnavailable(message) from refused


def sign_checkpoint(text: str) -> str:
    """Answer the text as a C2SP signed note, with Ed25519 and with ML-DSA-44."""
    return notes.signed_note(text, _signers(origin(), provider().signing_seeds()[0]), at=int(time.time()))


def sign_text(text: str) -> str:
    """Answer the text as a C2SP signed note. Its first line says what it is, so that it never reads as a checkpoint."""
    return notes.sign_note(text, origin(), provider().signing_seeds()[0])


def open_text(note: str) -> str:
    """Answer the text of a note that one of our keys signed; raises LedgerBroken for any other."""
    try:
        return notes.verify_note(note, [_signers(origin(), seed)[0].verifier for seed in provider().signing_seeds()])
    except NoteRefused as refused:
        raise LedgerBroken(str(refused)) from refused


def verifier_key() -> str:
    """Answer the Ed25519 public key of the seed that signs now, in the form that other people's verifiers take."""
    return verifier_keys()[0]


def verifier_keys() -> list[str]:
    """Answer every public key whose signatures still count: after a rotation old checkpoints stay genuine."""
    return [signer.verifier.vkey for seed in provider().signing_seeds() for signer in _signers(origin(), seed)]


@lru_cache(maxsize=16)
def _signers(name: str, seed: bytes) -> tuple[Signer, ...]:
    # The order of the lines is that of the keys; the first is the one that every reader of notes knows.
    return (
        Signer(name, seed),
        Signer(name, derive(seed, *_ML_DSA_LABELS), SignatureType.COSIGNATURE_ML_DSA_44),
    )
