"""Signs and names the ledger's checkpoints; everyone outside keys and audit verifies through here."""

from django.conf import settings

from governance.crypto import notes
from governance.keys.providers import provider


def origin() -> str:
    """The log's name, first line of each checkpoint."""
    return str(settings.GOVERNANCE_LOG_ORIGIN)


def sign_checkpoint(text: str) -> str:
    """Answer the text as a C2SP signed note."""
    return notes.sign_note(text, origin(), provider().signing_seeds()[0])


def verifier_key() -> str:
    """Answer the public key of the seed that signs now, in the form that other people's verifiers take."""
    return verifier_keys()[0]


def verifier_keys() -> list[str]:
    """Answer every public key whose signatures still count: after a rotation old checkpoints stay genuine."""
    return [notes.Verifier(origin(), notes.public_key(seed)).vkey for seed in provider().signing_seeds()]
