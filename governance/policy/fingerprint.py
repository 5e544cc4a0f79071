"""Names a set of rules by its content, so that an event says under which rules it was decided; it decides nothing."""

import json
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any

from governance.policy import forms
from governance.policy.vocabulary import ALLOWED, FORBIDDEN

_LENGTH = 32


def fingerprint(rules: Any) -> str:
    """Answer the first 128 bits of the SHA-256 of the rules as sorted JSON, in hex; equal rules have equal names."""
    text = json.dumps(rules, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)
    return sha256(text.encode()).hexdigest()[:_LENGTH]


@lru_cache(maxsize=1)
def roles() -> str:
    """Answer the name of the table of roles that this release decides by."""
    return fingerprint(table())


def table() -> Mapping[str, Any]:
    """Answer the table of roles, and of the forms in which they see values, as plain values."""
    roles_ = {role.value: sorted(action.value for action in actions) for role, actions in ALLOWED.items()}
    forbidden = {role.value: sorted(action.value for action in actions) for role, actions in FORBIDDEN.items()}
    return roles_ | {"forbidden": forbidden, "forms": forms.table()}


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset | set) else str(value)
