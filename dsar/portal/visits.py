"""What the session of a portal visitor holds: opaque ids, never an address; sessions are rows in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from dsar.models import SubjectRequest
from governance.console import faces
from governance.errors import NotFound
from governance.policy.principal import data_subject
from governance.subjects import proving

if TYPE_CHECKING:
    from django.http import HttpRequest

    from governance.models import Controller
    from governance.policy.principal import Principal

_KEY: Final = "privacy"


def controller_of(request: HttpRequest) -> Controller:
    """Answer whose portal this is; raises NotFound where there is none."""
    found = faces.controller_for(request.get_host())
    if found is None:
        raise NotFound
    return found


def face_of(request: HttpRequest) -> dict[str, object]:
    """Answer in whose name a page is shown, for its template; raises NotFound where there is no controller."""
    controller = controller_of(request)
    return faces.face(controller, faces.brand_of(request, controller))


def begin(request: HttpRequest, **ids: str) -> None:
    """Start over with these ids; whatever was proven before is forgotten."""
    request.session[_KEY] = ids


def pending(request: HttpRequest) -> dict[str, Any]:
    """Answer the ids of a visit; empty without one."""
    found: dict[str, Any] = request.session.get(_KEY, {})
    return found


def enter(request: HttpRequest, row: SubjectRequest) -> None:
    """Remember a proven visitor under a new session key, so that a planted session gains nothing."""
    request.session.cycle_key()
    request.session[_KEY] = {"proven": row.pk.hex, "proof": row.proof_id.hex if row.proof_id else ""}


def leave(request: HttpRequest) -> None:
    """Forget the visit, and end its proof."""
    proof = pending(request).get("proof")
    if proof:
        proving.close(UUID(proof))
    request.session.pop(_KEY, None)


def request_in_hand(request: HttpRequest) -> SubjectRequest | None:
    """Answer the request of a visitor whose address counts as proven now, of this portal's controller."""
    ids = pending(request)
    if "proven" not in ids or not ids["proof"] or not proving.is_open(UUID(ids["proof"])):
        return None
    rows = SubjectRequest.objects.select_related("controller", "brand", "subject")
    return rows.filter(pk=UUID(ids["proven"]), controller=controller_of(request), purged_at=None).first()


def principal_of(row: SubjectRequest) -> Principal:
    """Answer the person behind a request, who may touch this request alone."""
    return data_subject(row.pk.hex, row.controller_id.hex)
