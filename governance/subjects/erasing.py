"""Restricting and erasing a person: the key destroyed, indexes and identifiers gone, a tombstone kept (GDPR 17, 18)."""

from django.db import transaction
from django.utils import timezone

from governance import audit
from governance.errors import Erased
from governance.keys import data_keys
from governance.models import BlindIndex, DataSubject, SubjectIdentifier
from governance.policy.principal import Principal
from governance.policy.vocabulary import AuditType
from governance.registry import sockets
from governance.subjects.registering import scope_of


@transaction.atomic
def erase(subject: DataSubject, *, principal: Principal, object_ref: str = "") -> dict[str, int]:
    """Make a person unrecoverable here, in one transaction; answers counts. Repeating it changes nothing.

    The record is written while the pseudonym still exists, then everything derived from the person goes.
    """
    locked = DataSubject.objects.select_for_update().get(pk=subject.pk)
    if locked.status == DataSubject.Status.ERASED:
        return {"identifiers": 0, "indexes": 0, "keys": 0}
    counts = {"identifiers": locked.identifiers.count(), "indexes": locked.blind_indexes.count(), "keys": 1}
    audit.record(
        AuditType.SUBJECT_ERASED,
        actor=principal,
        controller_id=locked.controller_id,
        subject_id=locked.pk,
        object_ref=object_ref,
        details=counts,
    )
    for erase_in_app in sockets.erasure:
        erase_in_app(locked)
    BlindIndex.objects.filter(subject=locked).recorded().delete()
    SubjectIdentifier.objects.filter(subject=locked).recorded().delete()
    data_keys.destroy(scope_of(locked))
    locked.status, locked.erased_at = DataSubject.Status.ERASED, timezone.now()
    locked.save(update_fields=["status", "erased_at"])
    return counts


@transaction.atomic
def restrict(subject: DataSubject, *, principal: Principal, object_ref: str = "") -> None:
    """Freeze processing and keep the data (GDPR Art. 18). Raises Erased for a person who was erased."""
    locked = DataSubject.objects.select_for_update().get(pk=subject.pk)
    if locked.status == DataSubject.Status.ERASED:
        raise Erased
    locked.status, locked.restricted_at = DataSubject.Status.RESTRICTED, timezone.now()
    locked.save(update_fields=["status", "restricted_at"])
    audit.record(
        AuditType.SUBJECT_RESTRICTED,
        actor=principal,
        controller_id=locked.controller_id,
        subject_id=locked.pk,
        object_ref=object_ref,
    )
