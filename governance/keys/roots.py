"""Rotation at the key store itself: controllers' keys and root secrets wrapped anew under its newest key, or moved."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from django.db import models, transaction

from governance import ledger
from governance.crypto.envelope import new_key
from governance.errors import Conflict, KeyUnavailable
from governance.keys import controller_keys, providers
from governance.keys.providers import Provider, Wrapped
from governance.keys.providers.stored_roots import StoredRoots, context_of, store
from governance.ledger import LedgerEvent
from governance.models import ControllerKey, RootSecret
from governance.policy.vocabulary import AuditType

if TYPE_CHECKING:
    from governance.policy.opaque import Detail

_BATCH: Final = 250
_OPENING: Final = (ControllerKey.State.ACTIVE, ControllerKey.State.DEACTIVATED, ControllerKey.State.COMPROMISED)

_Context = Callable[[Any], tuple[str, ...]]


def rewrap() -> int:
    """Wrap what an older root key wraps under the newest one; answers how many. May be repeated and killed."""
    keys = providers.provider()
    newest, _probe = keys.wrap(new_key(), ("probe",))
    done = 0
    for model, rows, context in (
        (ControllerKey, ControllerKey.objects.filter(state__in=_OPENING), controller_keys.context_of),
        (RootSecret, RootSecret.objects.all(), context_of),
    ):
        behind = rows.exclude(provider=keys.name, provider_key=newest)
        for batch in _batches(behind):
            done += _store(model, batch, _renewed(keys, batch, context), keys)
    return done


def adopt(source: str) -> int:
    """Take the index root and the signing seeds of a provider that hands them out, before its successor makes others.

    Raises Conflict when this installation's store keeps none, or already has some that differ.
    """
    keys, given = providers.provider(), providers.named(source)
    if not isinstance(keys, StoredRoots) or isinstance(given, StoredRoots):
        raise Conflict("Adopt from a key file, while GOVERNANCE_KEY_PROVIDER names the store to move to")
    if RootSecret.objects.exists():
        raise Conflict("There are root secrets already; nothing was adopted")
    seeds = given.signing_seeds()
    store(keys, RootSecret.Purpose.INDEX, given.index_root())
    for version, seed in enumerate(reversed(seeds), start=1):  # the one that signs becomes the newest
        store(keys, RootSecret.Purpose.SIGN, seed, version=version)
    return 1 + len(seeds)


def _batches(rows: models.QuerySet[Any, Any]) -> Iterator[list[Any]]:
    found = list(rows.order_by("pk"))  # few: one row a controller and epoch
    for start in range(0, len(found), _BATCH):
        yield found[start : start + _BATCH]


def _renewed(keys: Provider, batch: Sequence[Any], context: _Context) -> list[Wrapped]:
    """Inside the store where it is the same one; through this process where a key moves from one store to another."""
    old = [Wrapped(row.provider_key, bytes(row.wrapped), context(row)) for row in batch]
    own = [each for row, each in zip(batch, old, strict=True) if row.provider == keys.name]
    within = iter(keys.rewrap(own))
    renewed = []
    for row, each in zip(batch, old, strict=True):
        if row.provider == keys.name:
            renewed.append(next(within))
        else:
            key = providers.named(row.provider).unwrap(each.provider_key, each.blob, each.context)
            renewed.append(Wrapped(*keys.wrap(key, each.context), each.context))
    return renewed


@transaction.atomic
def _store(model: Any, batch: Sequence[Any], renewed: Sequence[Wrapped], keys: Provider) -> int:
    """Write what was wrapped outside the transaction, where the row is still the one that was read."""
    done = 0
    for row, each in zip(batch, renewed, strict=True):
        same = model.objects.filter(pk=row.pk, provider=row.provider, provider_key=row.provider_key)
        if len(each.provider_key) > model._meta.get_field("provider_key").max_length:
            raise KeyUnavailable("The key store's name of its key is longer than can be kept")
        done += same.filter(wrapped__isnull=False).recorded().update(
            provider=keys.name, provider_key=each.provider_key, wrapped=each.blob
        )  # fmt: skip
    if done:
        scope = "controller-key" if model is ControllerKey else "root-secret"
        details: dict[str, Detail] = {"scope": scope, "provider": keys.name, "count": done}
        ledger.append(LedgerEvent(type=AuditType.KEY_REWRAPPED, actor_ref="service:keys", details=details))
    return done
