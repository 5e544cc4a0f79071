"""Whose signatures count for this ledger: our own keys and the witnesses of the configured policy."""

from pathlib import Path

from django.conf import settings

from governance.crypto.errors import NoteRefused
from governance.crypto.policies import NONE, Policy
from governance.crypto.signatures import Verifier
from governance.errors import KeyUnavailable
from governance.keys import signing


def text() -> str:
    """Answer the policy (C2SP tlog-policy) with which anybody verifies this ledger; raises KeyUnavailable."""
    logs = "".join(f"log {vkey}\n" for vkey in signing.verifier_keys())
    return logs + (_configured() or f"quorum {NONE}\n")


def policy() -> Policy:
    """Answer the same, read."""
    try:
        return Policy.parse(text())
    except NoteRefused as refused:
        message = f"GOVERNANCE_WITNESS_POLICY names a file that is no policy. {refused}"
        raise KeyUnavailable(message) from refused


def log_keys() -> list[Verifier]:
    """Answer our own keys."""
    return [Verifier.parse(key) for key in signing.verifier_keys()]


def _configured() -> str:
    path = settings.GOVERNANCE_WITNESS_POLICY
    if not path:
        return ""
    try:
        lines = Path(path).read_bytes().split(b"\n")
        kept = [line.decode() for line in lines if not line.lstrip(b" \t").startswith((b"#", b"log ", b"log\t"))]
    except (OSError, UnicodeDecodeError) as error:
        message = f"GOVERNANCE_WITNESS_POLICY names a file that cannot be read: {type(error).__name__}"
        raise KeyUnavailable(message) from error
    # Our own keys stand above, and change with a rotation; a file that lists them too is not wrong. Comments may be any
    # octets (C2SP tlog-policy), and what we publish is text. A file of comments alone must not pass for no file.
    return "".join(f"{line}\n" for line in kept if line) or "\n"
