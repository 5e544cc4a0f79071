"""Verifying an identifier by a person's eyes and ears: a member of staff saw a document, or called back.

An identifier nobody verified leads nowhere: requests are searched by verified ones alone, because whoever gets their
own address registered beside somebody's number would receive that person's data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from governance import audit
from governance.errors import BadInput, Conflict, FieldError, NotFound
from governance.models import DataSubject, SubjectIdentifier
from governance.policy.vocabulary import AuditType

if TYPE_CHECKING:
    from uuid import UUID

    from governance.policy.principal import Principal

#: Why it is verified now.
REASONS: Final = ("request_needs_it", "newly_named", "checked_by_us")
#: What convinced the member of staff. What a document says is looked at and not kept.
EVIDENCE: Final = ("document_seen", "called_back", "post_answered", "signed_in")


@transaction.atomic(durable=True)
def verify_identifier(
    subject: DataSubject, identifier_id: UUID, *, reason: str, evidence: str, principal: Principal
) -> SubjectIdentifier:
    """Take an identifier as the person's own, on record with why and by what.

    Raises NotFound, BadInput for an unknown code, and Conflict where it is verified already or the person was erased.
    """
    _require_codes(reason, evidence)
    # One after the other with an erasure, as everything that attaches to a person.
    locked = DataSubject.objects.select_for_update(of=("self",)).get(pk=subject.pk)
    row: SubjectIdentifier | None = (
        SubjectIdentifier.objects.filter(subject=locked, pk=identifier_id).defer("value").first()
    )
    if row is None:
        raise NotFound
    if locked.status == DataSubject.Status.ERASED or row.verified_at is not None:
        raise Conflict(gettext("This identifier is verified already, or the person was erased."))
    row.verified_at = timezone.now()
    row.save(update_fields=["verified_at"])
    audit.record(
        AuditType.SUBJECT_IDENTIFIER_VERIFIED,
        actor=principal,
        controller_id=locked.controller_id,
        subject_id=locked.pk,
        object_ref=f"identifier:{row.pk.hex}",
        details={"type": row.type, "reason": reason, "evidence": evidence},
    )
    return row


def _require_codes(reason: str, evidence: str) -> None:
    errors = []
    if reason not in REASONS:
        errors.append(FieldError("/reason", gettext("Use one of: %(known)s") % {"known": ", ".join(REASONS)}))
    if evidence not in EVIDENCE:
        errors.append(FieldError("/evidence", gettext("Use one of: %(known)s") % {"known": ", ".join(EVIDENCE)}))
    if errors:
        raise BadInput(gettext("An identifier is verified for a reason and by evidence"), errors=errors)
