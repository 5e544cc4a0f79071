"""The many requests of a large made-up company, taken over in bulk as if its former tool had kept them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import uuid5

from django.utils import timezone

from config.demo.people import dice, person
from dsar import services
from dsar.lifecycle import Status
from dsar.models import SubjectRequest
from governance import subjects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from random import Random  # noqa: TID251  # a type

    from governance.models import Brand, Controller, DataSubject
    from governance.policy.principal import Principal

_CHUNK: Final = 500
#: People whom nothing else tells of: the stories and the documentation count on those before.
_FIRST: Final = 52
_LARGE: Final = 100_000
_MANY: Final = 10_000
_REFUSALS: Final = ("claim_not_covered", "no_match", "suspected_fraud", "too_many_requests")
#: Where they stand, and how many of a hundred.
_SHARES: Final = (
    (Status.CLOSED, 70), (Status.REFUSED, 7), (Status.WITHDRAWN, 6), (Status.LAPSED, 8), (Status.VERIFYING, 4),
    (Status.PLANNING, 5),
)  # fmt: skip


def wanted(people: int) -> int:
    """Say how many requests a company of this size has: one of fifty people asks, and a large one has 10,000."""
    return max(people // 50, _MANY if people >= _LARGE else 0)


def fill(
    controller: Controller, seed: int, people: int, count: int, principal: Principal, progress: Callable[[int], None]
) -> int:
    """Take over what is missing of so many requests; answers how many are there. Each is the same for the same seed."""
    brands = {brand.slug: brand for brand in controller.brands.all()}
    now = timezone.now()
    for start in range(0, count, _CHUNK):
        numbers = range(start, min(start + _CHUNK, count))
        told_ids = [uuid5(controller.pk, f"backlog:{number}") for number in numbers]
        ids = [uuid5(controller.pk, each.hex) for each in told_ids]  # as the take-over numbers them
        if SubjectRequest.objects.filter(pk__in=ids).count() < len(ids):
            told = list(_told(controller, seed, people, numbers, now, brands))
            services.import_many(controller, told, principal=principal)
        progress(numbers[-1] + 1)
    return count


def _told(
    controller: Controller, seed: int, people: int, numbers: range, now: datetime, brands: dict[str, Brand]
) -> Iterator[services.Past]:
    throws = [dice(seed, "backlog", number) for number in numbers]
    asking = [person(seed, thrown.randint(min(_FIRST, people), people)) for thrown in throws]
    known = subjects.find_many(controller, [("customer_id", each.customer_id) for each in asking])
    for number, thrown, each, subject in zip(numbers, throws, asking, known, strict=True):
        status = _status(thrown)
        yield services.Past(
            rights=("access",) if status is Status.CLOSED else thrown.choice((("access",), ("erasure",))),
            regime=thrown.choice(("GDPR", "GDPR", "GDPR", "UK_GDPR", "CCPA")),
            manner=thrown.choice(("portal", "portal", "api", "officer")),
            status=status,
            brand=brands.get(each.brand),
            id=uuid5(controller.pk, f"backlog:{number}"),
            **_days(thrown, status, now, subject, each.email),
        )


def _status(thrown: Random) -> Status:
    left = thrown.randrange(100)
    for status, share in _SHARES:
        left -= share
        if left < 0:
            return status
    raise AssertionError("the shares add up to a hundred")


def _days(thrown: Random, status: Status, now: datetime, subject: DataSubject | None, email: str) -> dict[str, object]:
    """Say what happened when. Open ones came in lately, and a few of them too long ago."""
    if status in {Status.VERIFYING, Status.PLANNING}:
        received_at = now - timedelta(
            days=thrown.choice((1, 2, 4, 7, 12) if status is Status.VERIFYING else (5, 14, 27, 36))
        )
        proven = {"verified_at": received_at, "subject": subject} if status is Status.PLANNING else {}
        return {"received_at": received_at, "email": email, **proven}
    received_at = now - timedelta(days=thrown.randrange(45, 730), minutes=thrown.randrange(1440))
    closed_at = received_at + timedelta(days=14 if status is Status.LAPSED else thrown.randrange(2, 28))
    told: dict[str, object] = {"received_at": received_at, "closed_at": closed_at}
    if status is not Status.LAPSED:
        told |= {"verified_at": received_at + timedelta(hours=1), "subject": subject}
    if status is Status.CLOSED:
        told["responded_at"] = closed_at
    if status is Status.REFUSED:
        told["refusal_reason"] = thrown.choice(_REFUSALS)
    return told
