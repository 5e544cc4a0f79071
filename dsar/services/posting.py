"""Puts a letter to the person into the outgoing mail, sealed under the request's key, in the caller's transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsar.verification import scope_of
from governance.subjects import letters as mail

if TYPE_CHECKING:
    from dsar.letters import Letter
    from dsar.models import SubjectRequest


def post(request: SubjectRequest, letter: Letter, to: str) -> None:
    """Queue the letter; it goes out with the next tick, if the transaction commits."""
    mail.queue(
        request.controller,
        scope_of(request),
        to,
        letter.subject,
        letter.text(),
        letter.html(),
        reference=request.reference,
        brand=request.brand,
    )
