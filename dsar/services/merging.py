"""Ending a request that an earlier one of the same proven person answers as well; an unproven one parks nobody's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext

from dsar import letters
from dsar.lifecycle import Event
from dsar.selectors import twins
from dsar.services.moving import end, locked
from dsar.services.posting import post
from dsar.verification import contact_of
from governance.errors import Conflict
from governance.policy.principal import worker

if TYPE_CHECKING:
    from dsar.models import SubjectRequest
    from governance.policy.principal import Principal


def merge(request: SubjectRequest, into: str, *, principal: Principal) -> SubjectRequest:
    """Let the earlier request with this reference answer this one too, and tell the person.

    Both have proven the same person: otherwise anybody could park somebody's request behind a false one. Raises
    Conflict unless the other is open, earlier and asks for no less; IllegalTransition once work has begun.
    """
    address = contact_of(request, principal=worker(request.controller_id.hex)).email
    found = _earlier(request, into)
    with transaction.atomic(durable=True):
        # Both, always in one order: the earlier one must not end while this one is parked behind it.
        rows = {pk: locked(pk) for pk in sorted((request.pk, found.pk))}
        request = rows[request.pk]
        earlier = _earlier(request, into)
        request.duplicate_of = earlier
        details = {"into": f"request:{earlier.pk.hex}"}
        end(request, Event.MERGE, principal=principal, details=details, also=("duplicate_of",))
        post(request, letters.merged(request, earlier.reference, earlier.due_at), address)
    return request


def _earlier(request: SubjectRequest, into: str) -> SubjectRequest:
    found = next((each for each in twins.earlier(request) if each.reference == into), None)
    if found is None:
        raise Conflict(gettext("No earlier open request of this person asks for the same; answer this one by itself."))
    return found
