"""What the consent app plugs into the kernel: the stage of the decision, erasure, export and a panel; no rules."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils import timezone

from consent import lawfulness, selectors
from consent.lawfulness import ConsentFact
from consent.lifecycle import State
from consent.models import ConsentState
from governance.access.facts import as_datetime, as_uuid
from governance.policy.vocabulary import Action, permits
from governance.registry import Fragment, Panel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from governance.models import DataSubject
    from governance.policy.decide import Decision, Facts, Question
    from governance.policy.principal import Principal

_COLUMNS = (
    "cs.purpose_id", "cs.channel", "cs.state", "cs.occurred_at", "cs.event_id", "cs.consent_type", "cs.method",
    "cs.expires_at", "cs.notice_version", "cn.material_version", "cs.objected_at",
)  # fmt: skip
_JOIN = (
    "LEFT JOIN consent_consentstate cs ON cs.subject_id = s.id AND {purposes} "
    "LEFT JOIN consent_privacynotice cn ON cn.id = cs.notice_id"
)
_PANEL_PERIOD = timedelta(days=30)


class ConsentLawfulness:
    """The stage that knows consent, as the kernel's one statement and one decision call it."""

    def fragment(self, purposes: Sequence[Any]) -> Fragment:
        """Join the projection's rows of these purposes; material versions come with them, so nothing is stale."""
        where = f"cs.purpose_id IN ({', '.join(['%s'] * len(purposes))})" if purposes else "1 = 0"
        return Fragment(_COLUMNS, _JOIN.format(purposes=where), tuple(purposes))

    def row(self, columns: Sequence[Any]) -> ConsentFact | None:
        """Read one row as either driver gives it."""
        purpose_id, occurred_at, event_id = as_uuid(columns[0]), as_datetime(columns[3]), as_uuid(columns[4])
        if purpose_id is None or occurred_at is None or event_id is None:
            return None
        return ConsentFact(
            purpose_id=purpose_id,
            channel=columns[1],
            state=columns[2],
            occurred_at=occurred_at,
            event_id=event_id,
            consent_type=columns[5],
            method=columns[6],
            expires_at=as_datetime(columns[7]),
            notice_version=columns[8],
            material_version=columns[9],
            objected_at=as_datetime(columns[10]),
        )

    def decide(self, question: Question, facts: Facts, instant: datetime) -> Decision | None:
        """Answer from the facts alone."""
        return lawfulness.decide(question, facts, instant)


def erase(subject: DataSubject) -> None:
    """Forget what counts for an erased person. The events stay: ids, codes and times, with evidence nobody can open."""
    ConsentState.objects.filter(subject=subject).recorded().delete()


def export(subject_id: UUID) -> Mapping[str, Any]:
    """Answer what this app holds about a person, for their access request (GDPR Art. 15)."""
    return {
        "current": [
            {
                "purpose": row.purpose.name,
                "channel": row.channel or "all",
                "state": row.state,
                "since": row.occurred_at.isoformat(),
                "until": row.expires_at.isoformat() if row.expires_at else None,
            }
            for row in selectors.states_of(subject_id)
        ],
        "history": [
            {
                "purpose": event.purpose.name,
                "channel": event.channel or "all",
                "state": event.state,
                "how": event.method,
                "notice": event.notice_revision.notice.title if event.notice_revision else None,
                "notice_version": event.notice_revision.version if event.notice_revision else None,
                "happened": event.occurred_at.isoformat(),
                "recorded": event.recorded_at.isoformat(),
            }
            for event in selectors.events_of(subject_id)
        ],
    }


def panel(principal: Principal) -> Panel:
    """Show how many consents were given and withdrawn in the last 30 days, to whoever may read consents."""
    rows: list[Mapping[str, Any]] = []
    if permits(principal.roles, Action.CONSENT_READ):
        served = [UUID(controller) for controller in principal.controllers]
        counts = selectors.counted(served, timezone.now() - _PANEL_PERIOD)
        noes = sum(counts.get(state, 0) for state in (State.WITHDRAWN, State.REFUSED, State.OBJECTED))
        if counts:
            rows = [
                {"label": "Consents given", "detail": str(counts.get(State.GIVEN, 0))},
                {"label": "Withdrawn, refused or objected", "detail": str(noes)},
            ]
    return Panel("Consent, last 30 days", rows, "No choice was recorded in the last 30 days.", order=50)
