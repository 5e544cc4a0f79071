"""How many codes may be asked for, by whoever asks and for whichever address; it sends nothing and knows nobody."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.core.cache import cache
from django.utils.translation import gettext

from governance.errors import TooManyRequests

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from governance.models import AddressProof, Controller

Limits = tuple[tuple[timedelta, int], ...]

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
#: One computer or office; what it asks for too often is refused before it counts for anybody else.
PER_SOURCE: Final[Limits] = ((_HOUR, 30), (_DAY, 120))
#: One source for one address: fewer than the address gets in all, so that one stranger cannot use them up.
PER_SOURCE_AND_ADDRESS: Final[Limits] = ((_HOUR, 5), (_DAY, 8))
#: With five attempts a code, a guesser has at most 100 of a million a day for one address, from wherever.
PER_ADDRESS: Final[Limits] = ((_HOUR, 10), (_DAY, 20))
#: Letters to invented addresses harm the sender's standing and the strangers who get them.
PER_CONTROLLER: Final[Limits] = ((_HOUR, 2000),)


def require_source(controller: Controller, source: str | None, address_digest: bytes) -> None:
    """Count a wish for a code by who asks; raises TooManyRequests.

    `source` is the network address of a visitor, None for staff, services and our own work. The counters are in the
    cache under keyed digests: neither an address nor who asked for it can be read there.
    """
    if source is not None:
        _count(f"proof:{controller.pk.hex}:{source}", PER_SOURCE)
    _count(f"proof:{controller.pk.hex}:{source or ''}:{address_digest.hex()}", PER_SOURCE_AND_ADDRESS)


def require_few(proofs: QuerySet[AddressProof], limits: Limits, instant: datetime) -> None:
    """Count the codes that were sent; raises TooManyRequests."""
    for period, most in limits:
        if proofs.filter(created_at__gt=instant - period).count() >= most:
            _refuse()


def _count(name: str, limits: Sequence[tuple[timedelta, int]]) -> None:
    for period, most in limits:
        seconds = int(period.total_seconds())
        key = f"{name}:{seconds}"
        cache.add(key, 0, timeout=seconds)
        try:
            asked = cache.incr(key)
        except ValueError:  # it ran out between the two
            cache.set(key, asked := 1, timeout=seconds)
        if asked > most:
            _refuse()


def _refuse() -> None:
    raise TooManyRequests(gettext("Too many codes were asked for. Try again in an hour."))
