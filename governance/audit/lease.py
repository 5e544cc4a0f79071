"""Fenced leases: one leader at a time, by compare-and-set on a row; no advisory locks, so poolers and SQLite do.

A lease is only a courtesy that keeps workers from doing the same work. What makes it safe is the fence: the holder
confirms its number in the transaction that commits its work, and a number that was taken over confirms nothing.
"""

import os
import socket
from datetime import datetime, timedelta

from django.db.models import F, Q

from governance.models import Lease


def acquire(name: str, *, period: timedelta, instant: datetime) -> int | None:
    """Answer a fence number when the lease was free or had expired, otherwise None."""
    fence = Lease.objects.filter(name=name).values_list("fence", flat=True).first()
    if fence is None:
        Lease.objects.bulk_create([Lease(name=name)], ignore_conflicts=True)
        fence = 0
    free = Q(expires_at__isnull=True) | Q(expires_at__lte=instant)
    taken = Lease.objects.filter(free, name=name, fence=fence).update(
        fence=F("fence") + 1, expires_at=instant + period, holder=_holder()
    )
    return fence + 1 if taken else None


def confirm(name: str, fence: int) -> bool:
    """Whether the fence is still the newest. Within a transaction nobody can take the lease until it ends."""
    # An UPDATE and not a SELECT: it locks the row, so a take-over waits for our commit.
    return Lease.objects.filter(name=name, fence=fence).update(fence=fence) == 1


def release(name: str, fence: int) -> None:
    """Give the lease back, if it is still ours."""
    Lease.objects.filter(name=name, fence=fence).update(expires_at=None, holder="")


def _holder() -> str:
    # Only for people who look at the row; nothing decides by it.
    return f"{socket.gethostname()[:48]}:{os.getpid()}"
