"""What the session of a portal visitor holds: opaque ids, never an address; sessions are rows in the database."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from dsar.models import SubjectRequest
from governance.console.doors import controller_for
from governance.errors import NotFound
from governance.models import Brand
from governance.policy.principal import data_subject
from governance.subjects import proving

if TYPE_CHECKING:
    from django.http import HttpRequest

    from governance.models import Controller
    from governance.policy.principal import Principal

_KEY: Final = "privacy"
_BRAND: Final = "privacy_brand"
_SLUG: Final = re.compile(r"[A-Za-z0-9_-]{1,50}", re.ASCII)


def controller_of(request: HttpRequest) -> Controller:
    """Answer whose portal this is; raises NotFound where there is none."""
    found = controller_for(request.get_host())
    if found is None:
        raise NotFound
    return found


def note_brand(request: HttpRequest, named: str) -> None:
    """Keep the brand whose address the visitor came by, for the pages that follow."""
    # Only what can be a name is kept and asked for: a database may choke on the rest.
    request.session[_BRAND] = named if _SLUG.fullmatch(named) else ""


def brand_of(request: HttpRequest, controller: Controller) -> Brand | None:
    """Answer the brand whose site sent the visitor here, by path or with `?brand=`; an unknown one is none."""
    if "brand" in request.GET:
        note_brand(request, request.GET["brand"])
    slug = request.session.get(_BRAND)
    return Brand.objects.filter(controller=controller, slug=slug).first() if slug else None


def face_of(request: HttpRequest) -> dict[str, object]:
    """Answer in whose name a page is shown, for its template."""
    controller = controller_of(request)
    return {"controller": controller, "brand": brand_of(request, controller)}


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
