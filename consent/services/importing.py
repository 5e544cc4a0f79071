"""Recording the histories of many people at once: row for row what record_for() writes for each, in few statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from consent.models import ConsentState
from consent.services import contacts
from consent.services.recording import Choice, Weighed, evidence_of, told, weigh
from governance import audit, outbox, subjects, vault
from governance.errors import Erased
from governance.models import DataSubject
from governance.models.inserting import insert_many

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from consent.services.contacts import Sent
    from governance.models import Controller
    from governance.policy.principal import Principal

#: What a choice may change of the row that counts.
_PROJECTED = [field.name for field in ConsentState._meta.concrete_fields if not field.primary_key]


@dataclass(frozen=True, slots=True, repr=False)
class History:
    """A person, known or not, and their choices, the oldest first. Its `repr` shows nothing: it is personal data."""

    identifiers: Sequence[tuple[str, str]]
    choices: Sequence[Choice]
    #: What was sent to them; `identifier` is not read.
    sent: Sequence[Sent] = ()


@transaction.atomic(durable=True)
def import_many(
    controller: Controller, histories: Sequence[History], *, principal: Principal, verified: bool = False
) -> list[DataSubject]:
    """Record the choices of these people, who are registered when unknown: all of them or none.

    The number of statements does not grow with the number of people: a few hundred at a time keep them short. Raises
    what record_for() raises. Repeating it records the same again, as repeating record_for() without an id does.
    """
    identifiers = [history.identifiers for history in histories]
    people = subjects.register_many(controller, identifiers, principal=principal, verified=verified)
    locked = _locked(people)
    current = {
        (row.subject_id, row.purpose_id, row.channel): row
        for row in ConsentState.objects.filter(subject__in=list(locked))
    }
    instant, weighed = timezone.now(), []
    for person, history in zip(people, histories, strict=True):
        for choice in history.choices:
            place = (person.pk, choice.purpose.pk, choice.channel)
            each = weigh(current.get(place), locked[person.pk], choice, principal, instant)
            current[place] = each.state
            weighed.append(each)
    _write(weighed, controller, principal)
    told = zip(people, histories, strict=True)
    rows = [contacts.row_of(controller, person, each, instant) for person, history in told for each in history.sent]
    contacts.write(controller, rows, principal=principal)
    return people


def _locked(people: Iterable[DataSubject]) -> dict[UUID, DataSubject]:
    """Lock everybody's rows, in one order for all callers, so that two imports never wait for each other."""
    wanted = {person.pk for person in people}
    rows = DataSubject.objects.select_for_update().filter(pk__in=wanted).order_by("pk")
    locked = {row.pk: row for row in rows}
    if any(row.status == DataSubject.Status.ERASED for row in locked.values()):
        raise Erased
    return locked


def _write(weighed: Sequence[Weighed], controller: Controller, principal: Principal) -> None:
    proven = [each for each in weighed if each.choice.evidence]
    for each, sealed in zip(proven, vault.seal_many([evidence_of(each) for each in proven]), strict=True):
        each.event.evidence = sealed
    insert_many([each.event for each in weighed], recorded=True)
    # One row stands for all choices about one purpose and channel: the last one left it as it is.
    rows = list({id(each.state): each.state for each in weighed}.values())
    # Settled first: creating a row gives it its key.
    new, known = [row for row in rows if row.pk is None], [row for row in rows if row.pk is not None]
    insert_many(new, recorded=True)
    ConsentState.objects.recorded().bulk_update(known, _PROJECTED)
    said = [told(each, principal) for each in weighed]
    audit.record_many([occurrence for occurrence, _thin in said], actor=principal, controller_id=controller.pk)
    outbox.append_many(thin for _occurrence, thin in said)
