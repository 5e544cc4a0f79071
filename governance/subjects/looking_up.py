"""A member of staff looks for people: found or not, it leaves events before the answer; it opens nothing."""

from collections.abc import Sequence

from django.db import transaction

from governance import audit, vault
from governance.audit.recording import Occurrence, record_many
from governance.models import Controller, DataSubject
from governance.policy.principal import Principal
from governance.policy.vocabulary import AuditType
from governance.subjects.registering import find


def look_up(
    controller: Controller, identifiers: Sequence[tuple[str, str]], *, principal: Principal
) -> DataSubject | None:
    """Answer the person with one of these identifiers, or None; the promises and refusals of find().

    A search for nobody is recorded as well: whoever tries addresses out is seen doing it.
    """
    found = find(controller, identifiers)
    with transaction.atomic(durable=True):
        audit.record(
            AuditType.SUBJECT_LOOKED_UP,
            actor=principal,
            controller_id=controller.pk,
            subject_id=None if found is None else found.pk,
            decision="known" if found else "unknown",
            details={"types": sorted({kind for kind, _value in identifiers})},
        )
    return found


def search(
    controller: Controller, type_: str, index: str, value: str, *, limit: int, principal: Principal
) -> tuple[list[DataSubject], bool]:
    """Answer people by a further index of their identifiers, such as ("phone", "last_4"), and whether there are more.

    Each who is answered leaves an event, so that whoever searches widely is seen looking at many. Raises BadInput for
    an index that this installation does not keep, or a value that cannot be searched for.
    """
    matching = vault.search(controller.pk, type_, index, value, limit=limit + 1)
    found = matching[:limit]
    details = {"types": [type_], "index": index}
    looked_up = AuditType.SUBJECT_LOOKED_UP
    looks = [Occurrence(type=looked_up, subject_id=each.pk, decision="known", details=details) for each in found]
    nobody = Occurrence(type=looked_up, decision="unknown", details=details)
    with transaction.atomic(durable=True):
        record_many(looks or [nobody], actor=principal, controller_id=controller.pk)
    return found, len(matching) > limit
