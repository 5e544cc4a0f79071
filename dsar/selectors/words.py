"""What pages say for the codes of requests: one table each, complete by test; no logic beyond the look-up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from dsar.deadlines import Right
from dsar.lifecycle import Status
from dsar.models import FieldOutcome, RequestRight, SubjectRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django_stubs_ext import StrPromise

STATUS_WORDS: Final[Mapping[str, StrPromise]] = {
    Status.RECEIVED: _("received"),
    Status.VERIFYING: _("waiting for proof of the address"),
    Status.PLANNING: _("being searched"),
    Status.AWAITING_APPROVAL: _("waiting for approval"),
    Status.EXECUTING: _("being carried out"),
    Status.REVIEWING: _("waiting for review"),
    Status.RESPONDED: _("answered"),
    Status.CLOSED: _("closed"),
    Status.REFUSED: _("refused"),
    Status.WITHDRAWN: _("withdrawn by the person"),
    Status.LAPSED: _("lapsed: nobody proved the address"),
    Status.DUPLICATE: _("answered with an earlier one"),
}
RIGHT_WORDS: Final[Mapping[str, StrPromise]] = {
    Right.ACCESS: _("access"),
    Right.RECTIFICATION: _("correction"),
    Right.ERASURE: _("erasure"),
    Right.RESTRICTION: _("restriction"),
    Right.PORTABILITY: _("taking the data elsewhere"),
    Right.OBJECTION: _("objection"),
    Right.OPT_OUT_OF_SALE: _("no sale of the data"),
    Right.LIMIT_SENSITIVE_USE: _("limited use of sensitive data"),
}
MANNER_WORDS: Final[Mapping[str, StrPromise]] = {
    SubjectRequest.Manner.PORTAL: _("privacy page"),
    SubjectRequest.Manner.API: _("a service"),
    SubjectRequest.Manner.OFFICER: _("an officer"),
}
#: How one field ended.
OUTCOME_WORDS: Final[Mapping[str, StrPromise]] = {
    FieldOutcome.Outcome.ERASED: _("erased"),
    FieldOutcome.Outcome.RETAINED: _("kept"),
    FieldOutcome.Outcome.NOT_FOUND: _("not found"),
    FieldOutcome.Outcome.FAILED: _("failed"),
}
#: How a right was answered.
ANSWER_WORDS: Final[Mapping[str, StrPromise]] = {
    RequestRight.Outcome.GRANTED: _("done"),
    RequestRight.Outcome.PARTLY: _("done in part"),
    RequestRight.Outcome.NOT_FOUND: _("nothing found"),
    RequestRight.Outcome.REFUSED: _("refused"),
}


def rights_words(rights: Iterable[RequestRight]) -> str:
    """Name rights in words."""
    return ", ".join(str(RIGHT_WORDS[row.right]) for row in rights)
