"""Short references that people read out on the telephone; they tell nothing and are hard to guess."""

from __future__ import annotations

import secrets

from dsar.models import SubjectRequest

#: Crockford's base 32 without vowels, so that no word is ever spelled.
ALPHABET = "0123456789BCDFGHJKMNPQRSTVWXYZ"
_LENGTH = 8


def new_reference() -> str:
    """Give an unused reference such as R-7K4Q-2M9X."""
    while True:
        text = "".join(secrets.choice(ALPHABET) for _ in range(_LENGTH))
        reference = f"R-{text[:4]}-{text[4:]}"
        if not SubjectRequest.objects.filter(reference=reference).exists():
            return reference


def normal_reference(typed: str) -> str:
    """Read what a person typed: case, spaces, hyphens and look-alike letters do not matter; empty for anything else.

    What is no reference is not kept: people type addresses into the wrong field.
    """
    text = typed.upper().translate(str.maketrans("OIL", "011"))
    text = "".join(character for character in text if character.isalnum())
    text = text.removeprefix("R") if len(text) == _LENGTH + 1 else text
    if len(text) != _LENGTH or not set(text) <= set(ALPHABET):
        return ""
    return f"R-{text[:4]}-{text[4:]}"
