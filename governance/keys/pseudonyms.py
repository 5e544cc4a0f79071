"""Pseudonyms that stand for a person in the ledger; they cannot be linked once the person's key is destroyed."""

import hmac

from governance.fields import Scope
from governance.keys import data_keys


def pseudonym(scope: Scope, class_: str = "ledger") -> str:
    """Answer the reference of this owner for one class of records (GDPR Art. 4(5)); mints the key at first use."""
    return of_key(data_keys.sealer(scope).pseudonym_key, class_)


def of_key(pseudonym_key: bytes, class_: str = "ledger") -> str:
    """The same, for a key that was fetched with others."""
    return "p:" + hmac.digest(pseudonym_key, b"cxp/pseudonym/1\0" + class_.encode(), "sha256")[:16].hex()
