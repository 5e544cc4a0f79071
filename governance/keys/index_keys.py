"""Keys of the blind indexes, on a branch apart from the data keys; one for each controller, label and version."""

import hmac
from functools import lru_cache
from uuid import UUID

from governance.crypto.blind_index import NORMALISERS, blind_index
from governance.crypto.envelope import derive
from governance.crypto.errors import NormalisationRefused
from governance.errors import BadInput, FieldError
from governance.keys.providers import provider

INDEX_VERSION = 1
#: Which normaliser reads which type of identifier; any other type is compared as it was issued.
_NORMALISER_OF = {"email": "email", "phone": "phone", "phone_number": "phone"}
#: A type may be spelled in more than one way; one index serves all spellings.
_LABEL_OF = {"phone_number": "phone"}


def label(type_: str) -> str:
    """The declared label of an identifier type's index."""
    return f"subject.identifier.{_LABEL_OF.get(type_, type_)}"


def index_value(controller_id: UUID, type_: str, value: str) -> bytes:
    """Answer what the index column holds for this identifier; raises BadInput without repeating the value."""
    normaliser = NORMALISERS[_NORMALISER_OF.get(type_, "opaque")]
    try:
        normalised = normaliser.fn(value)
    except NormalisationRefused as refused:
        raise BadInput("An identifier cannot be used", errors=[FieldError("/value", str(refused))]) from refused
    return blind_index(_key(controller_id, label(type_)), normalised, version=INDEX_VERSION)


@lru_cache(maxsize=1024)
def _key(controller_id: UUID, label_: str) -> bytes:
    return derive(provider().index_root(), "blind-index", controller_id.hex, label_, str(INDEX_VERSION))


def mail_address(value: str) -> str:
    """Answer the address that mail for an indexed identifier goes to: the very one that the index stands for.

    Mail software may map an international domain another way than the index (IDNA 2003 and 2008 differ on ß), and a
    code for one person would reach the owner of the other domain. The case of a plain local part is kept.
    """
    local, _at, _domain = value.strip().rpartition("@")
    normalised_local, _at, domain = NORMALISERS["email"].fn(value).rpartition("@")
    return f"{local if local.isascii() else normalised_local}@{domain}"


def digest(purpose: str, value: bytes) -> bytes:
    """A keyed digest for counters and diaries that must not hold what they count; `purpose` separates the uses."""
    return hmac.digest(derive(provider().index_root(), "digest", purpose), value, "sha256")
