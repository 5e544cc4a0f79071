"""Signs and names the ledger's checkpoints; everyone outside keys and audit verifies through here."""

from django.conf import settings

from governance.crypto import notes
from governance.keys.providers import provider


def origin() -> str:
    """The log's name, first line of each checkpoint."""
    return str(settings.GOVERNANCE_LOG_ORIGIN)


def sign_checkpoint(text: str) -> str:
    """Answer the text as a C2SP signed note."""
    return notes.sign_note(text, origin(), provider().signing_seed())


def verifier_key() -> str:
    """The public key in the form that other people's verifiers take."""
    return notes.Verifier(origin(), notes.public_key(provider().signing_seed())).vkey
