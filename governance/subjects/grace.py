"""The grace before an erasure: the key disabled and processing frozen, and both taken back; it decides nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone

from governance.keys import data_keys
from governance.models import DataSubject, Erasure
from governance.subjects.registering import scope_of

if TYPE_CHECKING:
    from governance.models.governed import GovernedRows


def period() -> timedelta:
    """Tell how long an erasure can be taken back; nothing means that it is done at once."""
    return timedelta(hours=settings.GOVERNANCE_ERASURE_GRACE_HOURS)


def enter_grace(subject: DataSubject, erasure: Erasure) -> None:
    """Let nothing open, nothing be sealed and nothing be decided for this person until the grace ends."""
    first = Erasure.objects.filter(subject=subject, state=Erasure.State.DISABLED).first()
    # Of two askings the second finds the person frozen by the first; undoing both must end where the first began.
    erasure.standing_before = first.standing_before if first else subject.status
    data_keys.disable(scope_of(subject))
    if subject.status == DataSubject.Status.ACTIVE:
        # Decisions deny for a restricted person (GDPR Art. 18): nobody uses what is about to go.
        subject.status, subject.restricted_at = DataSubject.Status.RESTRICTED, timezone.now()
        subject.save(update_fields=["status", "restricted_at"])


def leave_grace(subject: DataSubject, erasure: Erasure) -> None:
    """Put everything back as it stood."""
    data_keys.enable(scope_of(subject))
    if erasure.standing_before == DataSubject.Status.ACTIVE:
        subject.status, subject.restricted_at = DataSubject.Status.ACTIVE, None
        subject.save(update_fields=["status", "restricted_at"])


def keep_restricted(subject: DataSubject) -> None:
    """Let a restriction outlive the grace it fell into: undoing the erasure must not lift it (GDPR Art. 18)."""
    _running(subject).recorded().update(standing_before=DataSubject.Status.RESTRICTED)


def let_go_on(subject: DataSubject) -> bool:
    """Have a grace that runs end without the restriction it fell into; False when none runs."""
    return bool(_running(subject).recorded().update(standing_before=DataSubject.Status.ACTIVE))


def alone_restricts(subject: DataSubject) -> bool:
    """Whether the person would not be restricted but for the grace of an erasure."""
    return _running(subject).filter(standing_before=DataSubject.Status.ACTIVE).exists()


def _running(subject: DataSubject) -> GovernedRows:
    rows: GovernedRows = Erasure.objects.filter(subject=subject, state=Erasure.State.DISABLED)
    return rows
