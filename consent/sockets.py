"""What the consent app plugs into the kernel: the stage of the decision, erasure, export and a panel; no rules."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils.translation import gettext

from consent import lawfulness, selectors
from consent.lawfulness import ConsentFact
from consent.lifecycle import State
from consent.models import ConsentState, Contact
from governance.access.facts import as_datetime, as_uuid
from governance.policy.vocabulary import Action
from governance.registry import Chart, Fragment, Panel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from governance.models import DataSubject
    from governance.policy.decide import Decision, Facts, PurposeRule, Question
    from governance.policy.principal import Principal

_COLUMNS = (
    "cs.purpose_id", "cs.channel", "cs.state", "cs.occurred_at", "cs.event_id", "cs.consent_type", "cs.method",
    "cs.expires_at", "cs.notice_version", "cn.material_version", "cs.objected_at", "cs.recorded_at",
)  # fmt: skip
_JOIN = (
    "LEFT JOIN consent_consentstate cs ON cs.subject_id = s.id AND {purposes} "
    "LEFT JOIN consent_privacynotice cn ON cn.id = cs.notice_id"
)
_PANEL_PERIOD = timedelta(days=30)
_MOST_LINES = 8
_NOES = frozenset({State.WITHDRAWN, State.REFUSED, State.OBJECTED})


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
            recorded_at=as_datetime(columns[11]),
        )

    def facts_as_of(self, subject_id: UUID, purpose: PurposeRule, moment: datetime) -> tuple[ConsentFact, ...]:
        """Rebuild the projection of that moment from the events."""
        return selectors.facts_as_of(subject_id, purpose.id, moment, purpose.lawful_basis)

    def decide(self, question: Question, facts: Facts, instant: datetime) -> Decision | None:
        """Answer from the facts alone."""
        return lawfulness.decide(question, facts, instant)


def erase(subject: DataSubject) -> None:
    """Forget what counts for an erased person, and what was sent to them.

    The events stay: ids, codes and times, with evidence nobody can open.
    """
    ConsentState.objects.filter(subject=subject).recorded().delete()
    Contact.objects.filter(subject=subject).recorded().delete()


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
        "messages": [
            {
                "purpose": row.purpose.name,
                "channel": row.channel,
                "kind": row.message_class,
                "campaign": row.campaign or None,
                "sent": row.sent_at.isoformat(),
            }
            for row in selectors.contacts_of(subject_id)
        ],
    }


def panel(principal: Principal, instant: datetime) -> Panel:
    """Draw how many consents were given and withdrawn in the last 30 days, for whoever may read consents."""
    if not principal.may(Action.CONSENT_READ):
        return Panel("Consent", (), "", order=60)
    served = [UUID(controller) for controller in principal.controllers_where(Action.CONSENT_READ)]
    by_purpose: dict[str, list[int]] = {}
    for purpose, state, count in selectors.counted(served, instant - _PANEL_PERIOD):
        line = by_purpose.setdefault(purpose, [0, 0])
        if state == State.GIVEN:
            line[0] += count
        elif state in _NOES:
            line[1] += count
    busiest = sorted(by_purpose.items(), key=lambda each: (-sum(each[1]), each[0]))[:_MOST_LINES]
    chart = Chart(
        title=gettext("Consent given and withdrawn, last 30 days"),
        heading=gettext("Purpose"),
        series=(gettext("given"), gettext("withdrawn or refused")),
        tones=("accent", "grey"),
        lines=[(purpose, counts) for purpose, counts in busiest if any(counts)],
        empty=gettext("No choice was recorded in the last 30 days."),
        is_stacked=False,
    )
    return Panel("Consent", (), "", order=60, chart=chart)
