"""Moving an index to a new key while people are registered and found; the service's own work, which shows no value.

Four steps, each of which may be killed and called again: `start` opens the next version, which from then on everybody
writes and looks up beside the old one; `advance` adds the entries of older values, a batch a transaction; `swap` makes
the new version the only one, once every row found by the old is found by the new; `sweep` deletes the old entries.
Unique values stay unique throughout: until the swap by the old version, which every writer still writes, and from then
on by the new one, which by then is complete.

To make new entries the values are opened. That is no disclosure: nobody asks, nobody is answered, and a value is gone
when its digest is made. So the ledger records it as an operation on keys (`index.rotated`, with the batch's count,
committed together with it), not as a reveal about a person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import F, Max

from governance import ledger
from governance.crypto.blind_index import NORMALISERS
from governance.crypto.envelope import header
from governance.crypto.errors import CryptoError, NormalisationRefused
from governance.errors import Conflict, GovernanceError
from governance.fields.codec import decode
from governance.keys import data_keys, index_keys
from governance.keys.index_keys import Version
from governance.ledger import LedgerEvent
from governance.models import BlindIndex, Controller, IndexVersion
from governance.policy.vocabulary import AuditType
from governance.vault import indexing, sources

if TYPE_CHECKING:
    from django.db.models import Model

    from governance.fields import Scope
    from governance.keys.data_key_rows import OpenKey
    from governance.vault.sources import Source

BATCH: Final = 500
_LAST_VERSION: Final = 255
_ATTEMPTS: Final = 5

_State = IndexVersion.State


def rotate(controller_id: UUID, label: str, *, batch: int = BATCH) -> IndexVersion:
    """Carry a rotation through, from wherever an earlier run stopped; answers the version now in use."""
    version = start(controller_id, label)
    while advance(controller_id, label, batch=batch):
        pass
    swap(controller_id, label)
    while sweep(controller_id, label, batch=batch):
        pass
    version.refresh_from_db()
    return version


@transaction.atomic
def start(controller_id: UUID, label: str) -> IndexVersion:
    """Open the next version, or answer the one that is being built."""
    source = sources.named(label)
    _stop_writers(controller_id)
    rows = IndexVersion.objects.filter(controller_id=controller_id, label=label)
    building: IndexVersion | None = rows.filter(state=_State.BUILDING).first()
    if building is not None:
        return building
    if not rows.exists():
        # Until now the first version needed no row.
        IndexVersion.objects.create(
            controller_id=controller_id, label=label, version=index_keys.FIRST_VERSION, state=_State.ACTIVE
        )
    number = rows.aggregate(last=Max("version"))["last"] + 1
    if number > _LAST_VERSION:
        raise Conflict("This index has had 255 versions; there is no byte left for another")
    made = IndexVersion.objects.create(
        controller_id=controller_id,
        label=label,
        version=number,
        state=_State.BUILDING,
        normaliser_version=NORMALISERS[source.index.normaliser].version,
    )
    _announce(made, "opened")
    return made


def advance(controller_id: UUID, label: str, *, batch: int = BATCH) -> int:
    """Add the entries of the next rows; answers how many rows were looked at, 0 when all were."""
    source = sources.named(label)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with transaction.atomic():
                return _advance(controller_id, source, batch)
        except OperationalError:
            # A writer and this batch waited for each other's rows; the database ended this one.
            if attempt == _ATTEMPTS:
                raise
        except IntegrityError as taken:
            message = f"Two rows have one value under the new rules of {label}; join or change them, then go on"
            raise Conflict(message) from taken
    return 0


def swap(controller_id: UUID, label: str) -> None:
    """Make the new version the one in use. Raises Conflict where it does not find every row yet.

    The next `advance` then begins anew: a value that opens again by then is behind the last row it reached.
    """
    missing = _swap(controller_id, label)
    if missing:
        building = IndexVersion.objects.filter(controller_id=controller_id, label=label, state=_State.BUILDING)
        with transaction.atomic():
            building.recorded().update(reached="")
        message = f"{missing} rows of {label} have no new entry: their values do not open; see manage.py coverage"
        raise Conflict(message)


@transaction.atomic
def _swap(controller_id: UUID, label: str) -> int:
    source = sources.named(label)
    _stop_writers(controller_id)
    rows = IndexVersion.objects.filter(controller_id=controller_id, label=label)
    new, old = rows.filter(state=_State.BUILDING).first(), rows.filter(state=_State.ACTIVE).first()
    if new is None or old is None:
        return 0
    missing = source.left_behind(controller_id, old.version, new.version).count()
    if missing:
        return missing
    old.state, new.state = _State.RETIRED, _State.ACTIVE
    old.save(update_fields=["state"])
    new.save(update_fields=["state"])
    _announce(new, "in_use")
    return 0


@transaction.atomic
def sweep(controller_id: UUID, label: str, *, batch: int = BATCH) -> int:
    """Delete entries of retired versions; answers how many went, 0 when none are left."""
    for old in IndexVersion.objects.filter(controller_id=controller_id, label=label, state=_State.RETIRED):
        entries = BlindIndex.objects.filter(controller_id=controller_id, label=label, version=old.version)
        chosen = list(entries.order_by("pk").values_list("pk", flat=True)[:batch])
        if chosen:
            return BlindIndex.objects.recorded().filter(pk__in=chosen).delete()[0]
        _record(old, "dropped", 0)
        old.delete()
    return 0


def _advance(controller_id: UUID, source: Source, batch: int) -> int:
    # One worker at a time for an index; another waits here and goes on behind it.
    building = IndexVersion.objects.select_for_update().filter(
        controller_id=controller_id, label=source.label, state=_State.BUILDING
    )
    version = building.first()
    if version is None:
        return 0
    rows = source.rows(controller_id)
    ahead = rows.filter(pk__gt=version.reached) if version.reached else rows
    chosen = list(ahead[:batch])
    if not chosen:
        return 0
    # Nobody among them is erased, and no value of theirs is changed, before the new entries stand.
    data_keys.hold_still({source.owner_of(row) for row in chosen})
    held = list(rows.filter(pk__in=[row.pk for row in chosen]).select_for_update(of=("self",)))
    made = _made(source, held, version)
    BlindIndex.objects.recorded().bulk_create(made)
    version.reached = str(chosen[-1].pk)
    version.save(update_fields=["reached"])
    _record(version, "filled", len(held))
    return len(chosen)


def _made(source: Source, rows: list[Model], version: IndexVersion) -> list[BlindIndex]:
    """Make the entries of those rows that have none in the new version: a writer may have been here already."""
    number = Version(version.version, version.normaliser_version, is_active=False)
    references = [indexing.reference(row) for row in rows]
    entries = BlindIndex.objects.filter(label=source.label, version=version.version, row__in=references)
    present = set(entries.values_list("row", flat=True))
    waiting = [row for row in rows if indexing.reference(row) not in present]
    keys = data_keys.opener({source.owner_of(row) for row in waiting})
    suspended = data_keys.disabled({scope for scope, key in keys.items() if key is None})
    made: list[BlindIndex] = []
    for row in waiting:
        scope = source.owner_of(row)
        # The index goes on finding somebody whose erasure can still be undone, so it has to be moved for them too.
        key = _suspended_key(source, row, scope) if scope in suspended else keys[scope]
        made += [] if key is None else _entries(source, row, key, number)
    return made


def _suspended_key(source: Source, row: Model, scope: Scope) -> OpenKey | None:
    try:
        named = {header(sealed.envelope).key_id for sealed in source.sealed(row).values() if sealed is not None}
    except CryptoError:
        return None
    return next((key for key in data_keys.openable(scope, ()) if {key.key_id} == named), None)


def _entries(source: Source, row: Model, key: OpenKey, version: Version) -> list[BlindIndex]:
    """Make the entries of one row; none where it does not open, which `swap` then counts."""
    scope = source.owner_of(row)
    owner = indexing.Owner(
        controller_id=UUID(scope.controller), subject_id=UUID(scope.id), person_key=lambda: key.pseudonym_key
    )
    try:
        values: dict[str, Any] = {
            name: None if sealed is None else decode(key.at(scope).decrypt(sealed.envelope, sealed.label))
            for name, sealed in source.sealed(row).items()
        }
        return source.entries(row, owner, values, version)
    except (CryptoError, GovernanceError, NormalisationRefused):
        return []


def _stop_writers(controller_id: UUID) -> None:
    """Wait for every transaction that writes entries, and let the next ones wait for this one: see index_keys.held."""
    Controller.objects.select_for_update().get(pk=controller_id)


def _announce(version: IndexVersion, stage: str) -> None:
    # The number that every process compares goes up with the change it stands for.
    Controller.objects.filter(pk=version.controller_id).recorded().update(ruleset_version=F("ruleset_version") + 1)
    _record(version, stage, 0)


def _record(version: IndexVersion, stage: str, count: int) -> None:
    ledger.append(
        LedgerEvent(
            type=AuditType.INDEX_ROTATED,
            actor_ref="service:keys",
            controller_id=version.controller_id,
            object_ref=f"index:{version.label}:{version.version}",
            details={"stage": stage, "rows": count},
        )
    )
