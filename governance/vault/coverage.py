"""How much of what should be sealed is: every value of every sealed column, counted by what is wrong with it.

Values are opened to see whether they still open, and dropped at once: nobody asks and nobody is answered, so the
ledger holds one event a column with counts, and no reveal. Rows are read in batches by key, so that memory does not
grow with the table.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import transaction

from governance import ledger
from governance.crypto.envelope import MARKER, header
from governance.crypto.errors import CryptoError
from governance.errors import GovernanceError, SealRefused
from governance.fields import Scope, SealedField, sealed_fields
from governance.fields.codec import decode
from governance.keys import data_keys
from governance.ledger import LedgerEvent
from governance.models import BlindIndex, DataKey, DataSubject
from governance.policy.vocabulary import AuditType
from governance.vault import indexing, sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from django.db.models import Model

    from governance.fields import Sealed
    from governance.keys.data_key_rows import OpenKey

BATCH: Final = 1000

SEALED: Final = "sealed"  # opens in its place, under the key in use
ERASED: Final = "erased"  # its person was erased; the key is destroyed, so nothing is left to read
DISABLED: Final = "disabled"  # its person's erasure waits for the end of its grace
PLAINTEXT: Final = "plaintext"
CORRUPT: Final = "corrupt"  # begins like an envelope and is none
FAILED: Final = "failed"  # an envelope that does not authenticate in its place: moved or changed
UNKNOWN_KEY: Final = "unknown_key"
OLD_KEY: Final = "old_key"  # under a key that seals no more: somebody else may hold it
UNUSABLE_KEY: Final = "unusable_key"  # its key does not open: retired epoch, provider, moved row, destroyed version
ORPHAN: Final = "orphan"  # its owner is gone, or the row that an index entry stands for

PROBLEMS: Final = (PLAINTEXT, CORRUPT, FAILED, UNKNOWN_KEY, OLD_KEY, UNUSABLE_KEY, ORPHAN)


@dataclass(frozen=True, slots=True)
class Coverage:
    """The counts of one column or index, by what was found."""

    name: str
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def problems(self) -> int:
        """How many values are not as they should be."""
        return sum(self.counts[each] for each in PROBLEMS)


def survey(batch: int = BATCH) -> Iterator[Coverage]:
    """Count every sealed column, then the entries of every index that stand for no row. Each is recorded."""
    for column in sealed_fields():
        found = Coverage(f"{column.model._meta.label_lower}.{column.name}")
        for rows in _batches(column, batch):
            found.counts.update(_examined(column, rows))
        yield _recorded(found)
    for source in sources.every().values():
        if not source.types:  # entries of identifiers cannot outlive them: the database cascades
            yield _recorded(_entries_without_row(source, batch))


def _batches(column: SealedField, batch: int) -> Iterator[list[Model]]:
    # The others stay where they are: a wide table of sealed columns would be read once for each of them.
    others = [each.name for each in column.model._meta.concrete_fields if isinstance(each, SealedField)]
    rows = column.model._base_manager.filter(**{f"{column.name}__isnull": False})  # noqa: SLF001  # every row there is
    rows = rows.defer(*(name for name in others if name != column.name)).order_by("pk")
    last: Any = None
    while found := list((rows if last is None else rows.filter(pk__gt=last))[:batch]):
        yield found
        last = found[-1].pk


def _examined(column: SealedField, rows: Sequence[Model]) -> Iterable[str]:
    sealed, found = [], []
    for row in rows:
        try:
            sealed.append((getattr(row, column.attname), column.scope_of(row)))
        except SealRefused:
            found.append(ORPHAN)  # the row names no owner
    keys = _keys(sealed)
    owners = _owners(scope for _value, scope in sealed)
    scopes = {scope for _value, scope in sealed}
    opened, standing = _opened(scopes), data_keys.standing(scopes)
    found += [_verdict(value, scope, keys, owners, opened, standing.get(scope, "")) for value, scope in sealed]
    return found


def _verdict(
    value: Sealed,
    scope: Scope,
    keys: Mapping[str, DataKey],
    owners: frozenset[Scope],
    opened: Mapping[Scope, OpenKey | None],
    standing: str,
) -> str:
    """What one value is, the first of these that holds."""
    if value.envelope[:1] != bytes([MARKER]):
        return PLAINTEXT
    try:
        row = keys.get(header(value.envelope).key_id.hex())
    except CryptoError:
        return CORRUPT
    by_key = _by_key(row, scope, owners, standing)
    return by_key or _opens(value, scope, opened)


def _by_key(row: DataKey | None, scope: Scope, owners: frozenset[Scope], standing: str) -> str:
    """What the key of a value says already; empty where the value must be opened to know."""
    if row is None:
        return UNKNOWN_KEY
    if (row.scope_kind, row.scope_id.hex, row.controller_id.hex) != (scope.kind, scope.id, scope.controller):
        return FAILED
    if row.state == DataKey.State.DESTROYED:
        # Under an earlier version of a key that lives on, the value is lost and its person was not erased.
        return ERASED if standing == DataKey.State.DESTROYED else UNUSABLE_KEY
    if scope.kind == "subject" and scope not in owners:
        return ORPHAN
    return {DataKey.State.ACTIVE: "", DataKey.State.SUSPENDED: DISABLED}.get(DataKey.State(row.state), OLD_KEY)


def _opens(value: Sealed, scope: Scope, opened: Mapping[Scope, OpenKey | None]) -> str:
    key = opened[scope]
    if key is None:
        return UNUSABLE_KEY
    try:
        decode(key.at(scope).decrypt(value.envelope, value.label))
    except (CryptoError, GovernanceError, ValueError):
        return FAILED
    return SEALED


def _keys(sealed: Sequence[tuple[Sealed, Scope]]) -> Mapping[str, DataKey]:
    """Answer the keys that the envelopes name, with one query."""
    named = set()
    for value, _scope in sealed:
        try:
            named.add(header(value.envelope).key_id.hex())
        except CryptoError:
            continue
    return DataKey.objects.in_bulk(named)


def _owners(scopes: Iterable[Scope]) -> frozenset[Scope]:
    people = {(UUID(scope.controller), UUID(scope.id)): scope for scope in scopes if scope.kind == "subject"}
    known = DataSubject.objects.filter(pk__in={pk for _controller, pk in people}).values_list("controller_id", "pk")
    return frozenset(people[each] for each in known if each in people)


def _opened(scopes: set[Scope]) -> Mapping[Scope, OpenKey | None]:
    try:
        return data_keys.opener(scopes)
    except GovernanceError:
        # One key that does not open must not hide the others.
        return {scope: _one(scope) for scope in scopes}


def _one(scope: Scope) -> OpenKey | None:
    try:
        return data_keys.opener([scope])[scope]
    except GovernanceError:
        return None


def _entries_without_row(source: sources.Source, batch: int) -> Coverage:
    found = Coverage(f"index {source.label}")
    entries = BlindIndex.objects.filter(label=source.label).order_by("pk")
    rows = source.field.model._base_manager  # noqa: SLF001  # every row there is
    last = 0
    while some := list(entries.filter(pk__gt=last).values_list("pk", "row")[:batch]):
        present = {indexing.reference(row) for row in rows.filter(pk__in={row for _pk, row in some}).only("pk")}
        found.counts.update(SEALED if row in present else ORPHAN for _pk, row in some)
        last = some[-1][0]
    return found


def _recorded(found: Coverage) -> Coverage:
    with transaction.atomic():
        event = LedgerEvent(
            type=AuditType.COVERAGE_SURVEYED,
            actor_ref="service:keys",
            object_ref=found.name.replace("index ", "index:"),
            details=dict(sorted(found.counts.items())),
        )
        ledger.append(event)
    return found
