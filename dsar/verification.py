"""Who asks and how we know: the sealed contact of a request and its one-time codes; it changes no status."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from governance import vault
from governance.errors import Erased
from governance.fields import Scope
from governance.keys import index_keys
from governance.policy.vocabulary import RevealPurpose
from governance.subjects import proving

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from dsar.models import SubjectRequest
    from governance.fields import Sealed
    from governance.policy.principal import Principal

PROOF_PURPOSE = "request"


@dataclass(frozen=True, slots=True, repr=False)
class Contact:
    """The address to answer to, and what else the person says about themselves, which nobody has proven."""

    email: str
    claimed: tuple[tuple[str, str], ...] = ()


def scope_of(request: SubjectRequest) -> Scope:
    """Give the scope that the request's contact, findings, package and letters are sealed in."""
    return Scope(request.controller_id.hex, "request", request.pk.hex)


def reference_of(request: SubjectRequest) -> str:
    """Give the opaque reference that the ledger keeps of a request."""
    return f"request:{request.pk.hex}"


def seal_contact(request: SubjectRequest, email: str, claimed: Sequence[tuple[str, str]]) -> Sealed:
    """Seal the contact under the request's own key, which is minted here."""
    value = {"email": email, "claimed": [list(each) for each in claimed]}
    return vault.seal(value, label="request.contact", scope=scope_of(request))


def contact_of(
    request: SubjectRequest, *, principal: Principal, purpose: str = RevealPurpose.SUBJECT_REQUEST
) -> Contact:
    """Reveal the contact; audited. Raises Erased once the request is purged. Call outside any transaction."""
    if request.contact is None:
        raise Erased("The request was purged; its contact is gone.")
    value = vault.reveal(request.contact, principal=principal, purpose=purpose, object_ref=reference_of(request))
    known = cast("dict[str, Any]", value)
    return Contact(known["email"], tuple((type_, text) for type_, text in known["claimed"]))


def challenge(request: SubjectRequest, email: str, source: str | None = None) -> None:
    """Send a new code to the address, in the caller's transaction; the row is not saved."""
    proof = proving.start(
        request.controller,
        email,
        purpose=PROOF_PURPOSE,
        language=request.language,
        source=source,
        replaces=request.proof_id,
    )
    request.proof_id = proof.pk


def digest_of(controller_id: UUID, email: str) -> bytes:
    """Digest an address under a key that is not in the database; spelling that means the same address does not count.

    Digested once more than the blind index, so that a request cannot be joined with a person by it.
    """
    return index_keys.digest("request.contact", index_keys.index_value(controller_id, "email", email))


def is_contact(request: SubjectRequest, address: proving.ProvenAddress) -> bool:
    """Whether the proven address is the one the request answers to; nothing is opened for whoever merely asks."""
    known = bytes(request.contact_digest or b"")
    return address.type == "email" and hmac.compare_digest(known, digest_of(request.controller_id, address.value))
