"""What is wrong with the ledgers at this moment, in constant time: a sequencer that stands, a witness that objects."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from governance.models import ErasureLine, LedgerPending, WitnessState

#: Codes of alarms, for /readyz and for the console's words.
LATE = "ledger.late"
CONFLICT = "witness.conflict"
UNREACHABLE = "witness.unreachable"
UNWRITTEN = "erasure.unwritten"
#: Attempts after which a witness that does not cosign is worth somebody's attention.
_MANY = 5
#: The file of erasures is written on commit and by each tick. What waits longer, a restored copy brings back.
_UNWRITTEN_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing that somebody should look at. `where` is a witness's address, for the console only."""

    code: str
    since: datetime | None
    where: str = ""
    held: int | None = None


def alarms(instant: datetime | None = None) -> list[Alarm]:
    """Answer what is wrong now, most telling first; empty when all is well."""
    instant = instant or timezone.now()
    found = [
        Alarm(CONFLICT, row.asked_at, row.url, row.conflict_size)
        for row in WitnessState.objects.filter(state=WitnessState.State.CONFLICT).order_by("url")
    ]
    # Ids grow with time, so the lowest that waits is the oldest, give or take the clock of another process.
    oldest = LedgerPending.objects.order_by("entry_id").values_list("entry__recorded_at", flat=True).first()
    if oldest is not None and oldest < instant - timedelta(seconds=settings.GOVERNANCE_LEDGER_LATE_SECONDS):
        found.append(Alarm(LATE, oldest))
    silent = WitnessState.objects.filter(failures__gte=_MANY).exclude(state=WitnessState.State.CONFLICT)
    found += [Alarm(UNREACHABLE, row.asked_at, row.url) for row in silent.order_by("url")]
    unwritten = ErasureLine.objects.filter(written_at=None, destroyed_at__lt=instant - _UNWRITTEN_AFTER)
    first = unwritten.order_by("destroyed_at").values_list("destroyed_at", flat=True).first()
    if first is not None:
        found.append(Alarm(UNWRITTEN, first))
    return found
