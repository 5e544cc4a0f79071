"""What the session of a visitor holds: opaque ids, never an address; sessions are rows in the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from governance import subjects
from governance.console import faces
from governance.errors import NotFound
from governance.models import DataSubject
from governance.policy.principal import data_subject
from governance.subjects import proving

if TYPE_CHECKING:
    from django.http import HttpRequest

    from governance.models import Controller
    from governance.policy.principal import Principal

_KEY: Final = "preferences"


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody who has proven an address: a known person, or nobody yet."""

    controller: Controller
    proof_id: UUID
    subject: DataSubject | None

    @property
    def principal(self) -> Principal:
        """Answer who acts: the person, or the proof while there is none."""
        actor = self.subject.pk if self.subject else self.proof_id
        return data_subject(actor.hex, self.controller.pk.hex)


def controller_of(request: HttpRequest) -> Controller:
    """Answer whose page this is; raises NotFound where there is none."""
    found = faces.controller_for(request.get_host())
    if found is None:
        raise NotFound
    return found


def face_of(request: HttpRequest) -> dict[str, object]:
    """Answer in whose name a page is shown, for its template; raises NotFound where there is no controller."""
    controller = controller_of(request)
    return faces.face(controller, faces.brand_of(request, controller))


def begin(request: HttpRequest, proof_id: UUID) -> None:
    """Remember which code was sent; whatever was proven before is forgotten."""
    _keep(request, asked=proof_id.hex)


def pending(request: HttpRequest) -> UUID | None:
    """Answer the proof whose code is awaited."""
    asked = _held(request).get("asked")
    return UUID(asked) if asked else None


def enter(request: HttpRequest, proven: proving.ProvenAddress) -> None:
    """Remember a proven visitor under a new session key, so that a planted session gains nothing."""
    subject = subjects.match_proven(proven.controller_id, proven.type, proven.value)
    request.session.cycle_key()
    _keep(request, proof=proven.proof_id.hex)
    if subject is not None:
        know(request, subject)


def know(request: HttpRequest, subject: DataSubject) -> None:
    """Remember which person the visitor is."""
    _keep(request, **(_held(request) | {"subject": subject.pk.hex}))


def visit_of(request: HttpRequest) -> Visit | None:
    """Answer the visit while the address counts as proven, on the pages of the controller that it was proven for."""
    held = _held(request)
    controller = controller_of(request)
    if "proof" not in held or not proving.is_open(UUID(held["proof"])):
        return None
    if "subject" not in held:
        return Visit(controller, UUID(held["proof"]), None)
    subject = DataSubject.objects.filter(pk=UUID(held["subject"]), controller=controller).first()
    if subject is None or subject.status == DataSubject.Status.ERASED:
        return None
    return Visit(controller, UUID(held["proof"]), subject)


def leave(request: HttpRequest) -> None:
    """Forget the visit, and end its proof."""
    held = _held(request)
    for name in ("proof", "asked"):
        if name in held:
            proving.close(UUID(held[name]))
    request.session.pop(_KEY, None)


def _keep(request: HttpRequest, **ids: str) -> None:
    request.session[_KEY] = ids | {"controller": controller_of(request).pk.hex}


def _held(request: HttpRequest) -> dict[str, Any]:
    """Answer the ids; none on the pages of another controller.

    A visitor can send the cookie of one host to another: what was proven for one company would open the next.
    """
    found: dict[str, Any] = request.session.get(_KEY, {})
    return found if found.get("controller") == controller_of(request).pk.hex else {}
