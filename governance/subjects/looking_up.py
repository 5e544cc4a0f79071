"""A member of staff looks for a person: found or not, it leaves an event before the answer; it opens nothing."""

from collections.abc import Sequence

from django.db import transaction

from governance import audit
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
