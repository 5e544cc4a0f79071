"""What the preference centre shows: purposes, the answer that counts for each, and the words that a yes refers to."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from consent import lawfulness
from consent.lawfulness import ConsentFact
from consent.models import ConsentState, NoticeRevision
from governance.access.rulesets import compile_purpose
from governance.models import Purpose
from governance.policy.decide import Decision, Facts, Question, SubjectFacts, decide

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from governance.models import Controller, DataSubject

#: The notice that is made from the page itself where the controller has published none.
CENTRE_NOTICE: Final = "preference-centre"
_PREFERRED_NOTICE: Final = "privacy"


@dataclass(frozen=True, slots=True)
class Line:
    """One purpose, or one channel of it: what was chosen and what the decision says now."""

    purpose: Purpose
    channel: str
    fact: ConsentFact | None
    decision: Decision


@dataclass(frozen=True, slots=True)
class Shown:
    """The words a visitor sees: a published revision, or the page's own text. The digest names either."""

    revision: NoticeRevision | None
    text: str

    @property
    def digest(self) -> str:
        """Name exactly these words."""
        return sha256(self.text.encode()).hexdigest()


def purposes_of(controller: Controller) -> list[Purpose]:
    """Answer what a person can see, in one order for everybody."""
    return list(Purpose.objects.filter(controller=controller, retired_at=None).order_by("name", "key"))


def lines_of(
    controller: Controller, subject: DataSubject | None, purposes: Sequence[Purpose], instant: datetime
) -> list[list[Line]]:
    """Answer, for each purpose, the line of the purpose and those of its channels, by the one decision."""
    facts = _facts(subject)
    return [
        [
            _line(purpose, channel, facts, subject, instant, controller.ruleset_version)
            for channel in ("", *purpose.channels)
        ]
        for purpose in purposes
    ]


def shown_to(controller: Controller, language: str, purposes: Sequence[Purpose]) -> Shown:
    """Answer the words a yes on this page refers to: the published notice and the sentence of each purpose."""
    sentences = [f"{purpose.key} v{purpose.version}: {purpose.name}. {purpose.description}" for purpose in purposes]
    revision = _published(controller, language)
    opening = [f"{revision.notice.key} v{revision.version} {revision.digest}"] if revision else [controller.name]
    return Shown(revision, "\n".join([*opening, *sentences]))


def _published(controller: Controller, language: str) -> NoticeRevision | None:
    """Answer the latest revision of the notice `privacy`, or of the one published last; in the language if it is."""
    rows = NoticeRevision.objects.filter(notice__controller=controller).exclude(notice__key=CENTRE_NOTICE)
    newest = (
        rows.filter(notice__key=_PREFERRED_NOTICE).order_by("-version").first()
        or rows.order_by("-published_at", "-version").first()
    )
    if newest is None:
        return None
    same = rows.filter(notice_id=newest.notice_id, version=newest.version).select_related("notice")
    return same.filter(language=language).first() or same.order_by("language").first()


def _facts(subject: DataSubject | None) -> list[ConsentFact]:
    if subject is None:
        return []
    rows = ConsentState.objects.filter(subject=subject).select_related("notice")
    return [
        ConsentFact(
            purpose_id=row.purpose_id,
            channel=row.channel,
            state=row.state,
            occurred_at=row.occurred_at,
            event_id=row.event_id,
            consent_type=row.consent_type,
            method=row.method,
            expires_at=row.expires_at,
            notice_version=row.notice_version,
            material_version=row.notice.material_version if row.notice else None,
            objected_at=row.objected_at,
            recorded_at=row.recorded_at,
        )
        for row in rows
    ]


def _line(  # everything that one decision is made from
    purpose: Purpose,
    channel: str,
    facts: Sequence[ConsentFact],
    subject: DataSubject | None,
    instant: datetime,
    ruleset: int,
) -> Line:
    own = tuple(fact for fact in facts if fact.purpose_id == purpose.pk)
    known = Facts(
        principal_may=True,
        purpose=compile_purpose(purpose),
        subject=SubjectFacts(subject.pk, subject.status, subject.restricted_at) if subject else None,
        ruleset=ruleset,
        lawfulness=own,
    )
    # Nobody is asked about here but the visitor, whose address was proven: the decision needs no identifier.
    question = Question("", "", purpose.key, channel)
    current = lawfulness.latest([fact for fact in own if fact.channel in {"", channel}])
    return Line(purpose, channel, current, decide(question, known, instant, lawfulness.decide))
