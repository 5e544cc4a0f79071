"""SealedField and Sealed: a column that loads as ciphertext and stays so; opening it is the vault's verb, not ours."""

from governance.crypto.index_kinds import Index, bucket, compound, email_domain, exact, last, name_tokens, prefix
from governance.fields.kinds import Kind
from governance.fields.sealed import TEXT_FORM, Scope, Sealed, SealedField, sealed_fields

__all__ = [
    "TEXT_FORM",
    "Index",
    "Kind",
    "Scope",
    "Sealed",
    "SealedField",
    "bucket",
    "compound",
    "email_domain",
    "exact",
    "last",
    "name_tokens",
    "prefix",
    "sealed_fields",
]
