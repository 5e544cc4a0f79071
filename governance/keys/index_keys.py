"""Keys of the blind indexes, on a branch apart from the data keys; one for each controller, label and version.

Which versions of an index are in use changes only together with the controller's ruleset version, so a process knows
what it may look up and must write from that one number, which the caller reads along with its own question.
"""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import connection

from governance.crypto.blind_index import NORMALISERS, blind_index
from governance.crypto.envelope import derive
from governance.crypto.errors import NormalisationRefused
from governance.crypto.index_kinds import Index, email_domain, exact, last
from governance.crypto.leak_budget import complaint, joint_complaint
from governance.errors import BadInput, FieldError
from governance.keys.providers import provider
from governance.models import Controller, IndexVersion

#: The budget is told to checks from here: they know no crypto.
__all__ = [
    "FURTHER",
    "Handle",
    "Version",
    "Versions",
    "complaint",
    "joint_complaint",
]

#: (label, value) of one entry.
Handle = tuple[str, bytes]

FIRST_VERSION: Final = 1
#: Which normaliser reads which type of identifier; any other type is compared as it was issued.
_NORMALISER_OF = {"email": "email", "phone": "phone", "phone_number": "phone"}
#: A type may be spelled in more than one way; one index serves all spellings.
_LABEL_OF = {"phone_number": "phone"}


#: What an installation may keep beside the main index of a type, by type and name.
FURTHER: Final[Mapping[str, Index]] = MappingProxyType(
    {"customer_id.last_4": last(4), "email.domain": email_domain(), "phone.last_4": last(4)}
)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an index that is written and looked up."""

    number: int
    normaliser_version: int
    is_active: bool


_FIRST: Final = (Version(FIRST_VERSION, 1, is_active=True),)


class Versions:
    """The versions in use of one controller's indexes, at one version of its ruleset."""

    __slots__ = ("_of", "ruleset")

    def __init__(self, ruleset: int, rows: Iterable[IndexVersion]) -> None:
        self.ruleset = ruleset
        found: dict[str, list[Version]] = {}
        for row in rows:
            is_active = row.state == IndexVersion.State.ACTIVE
            found.setdefault(row.label, []).append(Version(row.version, row.normaliser_version, is_active))
        self._of: Mapping[str, tuple[Version, ...]] = MappingProxyType({key: tuple(of) for key, of in found.items()})

    def of(self, label_: str) -> tuple[Version, ...]:
        """Answer the versions of one index, oldest first."""
        return self._of.get(label_, _FIRST)


_known: dict[UUID, Versions] = {}


def cached(controller_id: UUID) -> Versions:
    """Answer what this process knows; the caller compares `ruleset` with the database's afterwards."""
    return _known.get(controller_id) or reload(controller_id)


def reload(controller_id: UUID) -> Versions:
    """Read anew. The number is read first: a change in between shows as a newer one at the next comparison."""
    return _read(controller_id, ruleset(controller_id))


def at(controller_id: UUID, ruleset_version: int) -> Versions:
    """Answer the versions at a ruleset version that the caller has just read."""
    known = _known.get(controller_id)
    return known if known is not None and known.ruleset == ruleset_version else _read(controller_id, ruleset_version)


def held(controller_id: UUID) -> Versions:
    """Answer the versions to write, and keep them from changing until the caller's transaction ends.

    Any number of writers share the hold; `rotation` waits for all of them. So whoever writes an entry knows every
    version that must have one, also in the moment a rotation begins or ends.
    """
    with connection.cursor() as cursor:
        sharing = " FOR KEY SHARE" if connection.vendor == "postgresql" else ""  # SQLite has one writer at a time
        pk = Controller._meta.pk.get_db_prep_value(controller_id, connection)
        cursor.execute(f"SELECT ruleset_version FROM governance_controller WHERE id = %s{sharing}", [pk])  # noqa: S608
        return at(controller_id, cursor.fetchone()[0])


def ruleset(controller_id: UUID) -> int:
    """Read the number that grows with every change of versions; one query."""
    found: int = Controller.objects.values_list("ruleset_version", flat=True).get(pk=controller_id)
    return found


def forget() -> None:
    """Drop what this process knows: for tests."""
    _known.clear()


def label(type_: str, index: Index | None = None) -> str:
    """The declared label of an identifier type's index; without one named, of the main one."""
    name = f".{index.name}" if index is not None and index.name else ""
    return f"subject.identifier.{_LABEL_OF.get(type_, type_)}{name}"


def identifier_index(type_: str) -> Index:
    """The main index of a type of identifier: exact, and one person has it."""
    return exact(_NORMALISER_OF.get(type_, "opaque"), unique=True)


def identifier_indexes(type_: str) -> tuple[Index, ...]:
    """The main index, and those that the installation has chosen to keep beside it (GOVERNANCE_SEARCH_INDEXES)."""
    plain = _LABEL_OF.get(type_, type_)
    chosen = (FURTHER[name] for name in settings.GOVERNANCE_SEARCH_INDEXES if name.partition(".")[0] == plain)
    return identifier_index(type_), *chosen


def handles(versions: Versions, controller_id: UUID, type_: str, value: str) -> list[Handle]:
    """Answer what finds an identifier, under every version in use; raises BadInput without repeating the value."""
    name = label(type_)
    index = identifier_index(type_)
    return [
        (name, digest_of(controller_id, name, index, text, version))
        for version in versions.of(name)
        for text in _texts(index, value, version)
    ]


def index_value(controller_id: UUID, type_: str, value: str) -> bytes:
    """Answer a keyed digest of a normalised identifier that no rotation changes; what diaries and counters are made of.

    It is what version 1 of the index holds. To find or register people use `handles`.
    """
    index = identifier_index(type_)
    (text,) = _texts(index, value, _FIRST[0])
    return digest_of(controller_id, label(type_), index, text, _FIRST[0])


def refusal(type_: str, value: str) -> str:
    """Say why an identifier has no form to be found by; empty when it has one."""
    try:
        _texts(identifier_index(type_), value, _FIRST[0])
    except BadInput as refused:
        return refused.errors[0].detail
    return ""


def digest_of(controller_id: UUID, label_: str, index: Index, text: str, version: Version) -> bytes:
    """Answer what the index column holds for a normalised text."""
    return blind_index(_key(controller_id, label_, version.number), text, version=version.number, bits=index.bits)


@lru_cache(maxsize=4096)
def _key(controller_id: UUID, label_: str, version: int) -> bytes:
    return derive(provider().index_root(), "blind-index", controller_id.hex, label_, str(version))


def _texts(index: Index, value: str, version: Version) -> list[str]:
    try:
        return index.entries(value, version.normaliser_version)
    except NormalisationRefused as refused:
        raise BadInput("An identifier cannot be used", errors=[FieldError("/value", str(refused))]) from refused


def _read(controller_id: UUID, ruleset_version: int) -> Versions:
    rows = IndexVersion.objects.filter(controller_id=controller_id).exclude(state=IndexVersion.State.RETIRED)
    versions = Versions(ruleset_version, rows.order_by("label", "version"))
    _known[controller_id] = versions
    return versions


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


def check_of(person_key: bytes, label_: str, text: str) -> bytes:
    """Answer what proves that a candidate of a bucket is the value looked for, without opening it.

    Keyed by the person's own pseudonym key: two people with one value look different, and it ends with that key.
    """
    message = b"cxp/index-check/1" + len(label_).to_bytes(4, "big") + label_.encode() + text.encode()
    return hmac.digest(person_key, message, "sha256")[:16]
