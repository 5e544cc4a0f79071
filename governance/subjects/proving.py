"""Proof of an address by one-time code, for the public pages; it never looks whether anybody is known by it."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import F, Q
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from governance import audit, vault
from governance.errors import BadInput, CodeRefused, FieldError
from governance.fields import Scope
from governance.keys import data_keys, index_keys
from governance.models import AddressProof, Controller
from governance.policy.principal import data_subject, worker
from governance.policy.vocabulary import AuditType, RevealPurpose
from governance.subjects import letters, patience

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

CODE_LIFETIME: Final = timedelta(minutes=15)
SESSION_LIFETIME: Final = timedelta(minutes=30)
ATTEMPTS: Final = 5

_DIGITS: Final = 6
_KEPT: Final = timedelta(days=2)  # counted for a day, then gone
_BATCH: Final = 200
_LONGEST: Final = 254


@dataclass(frozen=True, slots=True, repr=False)
class ProvenAddress:
    """An address whose reader answered the code. Its `repr` shows nothing: the value is personal data."""

    controller_id: UUID
    type: str
    value: str
    proof_id: UUID


@transaction.atomic
def start(
    controller: Controller,
    address: str,
    *,
    purpose: str,
    language: str,
    source: str | None = None,
    replaces: UUID | None = None,
) -> AddressProof:
    """Send a code to an e-mail address; the work and the answer are the same for anybody.

    `source` is where a visitor comes from, None for staff, services and our own work. A new code takes the place of the
    one it `replaces` and of no other: a stranger who types the same address must not end the code that somebody is
    about to use. Raises BadInput for what is no address, TooManyRequests.
    """
    address = _require_address(address)
    digest = _address_digest(controller, address)
    patience.require_source(controller, source, digest)
    # One after the other for a controller: in parallel every one would count itself within the limit.
    Controller.objects.select_for_update(no_key=True).only("pk").get(pk=controller.pk)
    instant = timezone.now()
    proofs = AddressProof.objects.filter(controller=controller)
    patience.require_few(proofs.filter(address_digest=digest), patience.PER_ADDRESS, instant)
    patience.require_few(proofs, patience.PER_CONTROLLER, instant)
    if replaces is not None:
        unused = proofs.filter(pk=replaces, address_digest=digest, purpose=purpose)
        unused.filter(confirmed_at=None, superseded_at=None).update(superseded_at=instant)
    proof = AddressProof(
        controller=controller,
        purpose=AddressProof.Purpose(purpose),
        language=language,
        address_digest=digest,
        created_at=instant,
        expires_at=instant + CODE_LIFETIME,
    )
    code = f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}d}"
    proof.code_digest = _code_digest(proof, code)
    proof.address = vault.seal(address, label="proof.address", scope=scope_of(proof))
    proof.save(force_insert=True)
    _write(controller, proof, address, code)
    return proof


def confirm(proof_id: UUID, code: str) -> ProvenAddress:
    """Answer the address when the code is right; from then on it counts as proven for half an hour.

    Raises CodeRefused for a code that is wrong, used, expired, replaced or tried too often, without saying which.
    Every attempt is counted before the code is compared. Call outside any transaction.
    """
    with transaction.atomic(durable=True):
        proof = _spend_attempt(proof_id)
        is_right = proof is not None and _confirm(proof, code)
    if proof is None or not is_right:
        refused = CodeRefused()
        refused.is_counted = proof is not None
        raise refused
    return address_of(proof_id)


def is_open(proof_id: UUID) -> bool:
    """Whether the address still counts as proven."""
    return _open_proof(proof_id) is not None


def address_of(proof_id: UUID) -> ProvenAddress:
    """Answer the address of a proof that still counts; raises CodeRefused otherwise. Call outside any transaction."""
    proof = _open_proof(proof_id)
    if proof is None:
        raise CodeRefused
    value = vault.reveal(
        proof.address,
        principal=data_subject(proof.pk.hex, proof.controller_id.hex),
        purpose=RevealPurpose.ADDRESS_PROOF,
    )
    return ProvenAddress(proof.controller_id, "email", str(value), proof.pk)


@transaction.atomic
def close(proof_id: UUID) -> None:
    """End a proof before its time: the person signs out, or what it opened is done."""
    proof = AddressProof.objects.select_for_update().filter(pk=proof_id, purged_at=None).first()
    if proof is not None:
        _purge(proof, timezone.now())


def purge_expired() -> int:
    """Destroy the keys of proofs that no longer count, with their letters; answers how many."""
    instant = timezone.now()
    over = (
        Q(superseded_at__isnull=False)
        | Q(session_until__lte=instant)
        | Q(session_until__isnull=True, expires_at__lte=instant)
    )
    due = AddressProof.objects.filter(over, purged_at=None).order_by("expires_at").values_list("pk", flat=True)
    ended = list(due[:_BATCH])
    for proof_id in ended:
        close(proof_id)
    AddressProof.objects.filter(purged_at__isnull=False, created_at__lte=instant - _KEPT).delete()
    return len(ended)


def scope_of(proof: AddressProof) -> Scope:
    """Name the scope that the proof's address and letter are sealed in."""
    return Scope(proof.controller_id.hex, "proof", proof.pk.hex)


def is_address(text: str) -> bool:
    """Whether a letter can be sent there."""
    try:
        validate_email(text.strip()[: _LONGEST + 1])
    except ValidationError:
        return False
    return len(text.strip()) <= _LONGEST


def _require_address(address: str) -> str:
    if not is_address(address):
        complaint = FieldError("/address", _("Give an e-mail address such as name@example.org"))
        raise BadInput(_("The address cannot be used"), errors=[complaint])
    return address.strip()


def _address_digest(controller: Controller, address: str) -> bytes:
    # Digested once more, so that these rows cannot be joined with the blind index of a person.
    return index_keys.digest("proof.address", index_keys.index_value(controller.pk, "email", address))


def _code_digest(proof: AddressProof, code: str) -> bytes:
    # A million codes are tried in a second: without a key outside the database the digest would be the code.
    return index_keys.digest("proof.code", proof.pk.bytes + code.encode())


def _write(controller: Controller, proof: AddressProof, address: str, code: str) -> None:
    with translation.override(proof.language), timezone.override(ZoneInfo(controller.time_zone)):
        context = {"controller": controller, "code": code, "until": proof.expires_at, "minutes": _minutes()}
        subject = _("Your code for %(name)s") % {"name": controller.name}
        text = render_to_string("letters/code.txt", context)
        html = render_to_string("letters/code.html", context)
    letters.queue(controller, scope_of(proof), address, subject, text, html)


def _minutes() -> int:
    return int(CODE_LIFETIME.total_seconds() // 60)


def _spend_attempt(proof_id: UUID) -> AddressProof | None:
    """Count the attempt in the database first: parallel guesses must not share one."""
    live = AddressProof.objects.filter(
        pk=proof_id,
        confirmed_at=None,
        superseded_at=None,
        purged_at=None,
        expires_at__gt=timezone.now(),
        attempts__lt=ATTEMPTS,
    )
    return AddressProof.objects.get(pk=proof_id) if live.update(attempts=F("attempts") + 1) else None


def _confirm(proof: AddressProof, code: str) -> bool:
    """Compare in constant time, note the outcome, and use the code up."""
    digits = "".join(character for character in code if character.isascii() and character.isdigit())
    is_right = hmac.compare_digest(bytes(proof.code_digest), _code_digest(proof, digits))
    if is_right:
        instant = timezone.now()
        is_right = (
            AddressProof.objects.filter(pk=proof.pk, confirmed_at=None).update(
                confirmed_at=instant, session_until=instant + SESSION_LIFETIME
            )
            == 1
        )
    _record(AuditType.ADDRESS_PROVEN if is_right else AuditType.ADDRESS_REFUSED, proof)
    return is_right


def _open_proof(proof_id: UUID) -> AddressProof | None:
    return AddressProof.objects.filter(
        pk=proof_id, confirmed_at__isnull=False, session_until__gt=timezone.now(), purged_at=None
    ).first()


def _purge(proof: AddressProof, instant: datetime) -> None:
    letters.forget(scope_of(proof))
    data_keys.destroy(scope_of(proof))
    proof.address, proof.purged_at = None, instant
    proof.save(update_fields=["address", "purged_at"])
    _record(AuditType.KEY_DESTROYED, proof)


def _record(type_: AuditType, proof: AddressProof) -> None:
    actor = worker(proof.controller_id.hex)
    if type_ is not AuditType.KEY_DESTROYED:
        actor = data_subject(proof.pk.hex, proof.controller_id.hex)
    audit.record(
        type_,
        actor=actor,
        controller_id=proof.controller_id,
        object_ref=f"proof:{proof.pk.hex}",
        details={"attempt": proof.attempts},
    )
