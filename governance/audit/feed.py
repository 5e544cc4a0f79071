"""Gives events away in the order of the ledger, from where the last run stopped; where they go is another's."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils import timezone

from governance.audit import ocsf
from governance.audit.recording import record
from governance.errors import Conflict, LedgerBroken
from governance.keys import signing
from governance.models import ExportCursor, LedgerLeaf
from governance.policy.vocabulary import AuditType

if TYPE_CHECKING:
    from governance.policy.opaque import Detail
    from governance.policy.principal import Principal

BATCH: Final = 500
#: Takes lines of JSON and returns when they have arrived; raises SystemUnavailable otherwise.
Send = Callable[[Sequence[str]], None]


def export(name: str, send: Send, *, to: str, principal: Principal) -> int:
    """Send every event that has a position and was not sent under this name; answers how many.

    (1) The export is an event itself, committed before anything leaves. (2) A batch is sent. (3) Only then the cursor
    moves: after a crash a batch may arrive twice, with the same `metadata.uid`, and none is left out.
    """
    cursor, _created = ExportCursor.objects.get_or_create(name=name)
    start, end = cursor.position, _end()
    if not _has_news(name, start, end):
        return 0
    with transaction.atomic(durable=True):  # (1)
        span = {"first": start, "last": end - 1, "events": end - start}
        details: dict[str, Detail] = {"format": f"ocsf-{ocsf.VERSION}", "to": to, **span}
        record(AuditType.EXPORT_MADE, actor=principal, object_ref=_reference(name), decision="allow", details=details)
    sent = 0
    while start < end:
        leaves = _leaves(start, min(start + BATCH, end))
        send([_line(leaf) for leaf in leaves])  # (2)
        after = leaves[-1].position + 1
        if ExportCursor.objects.filter(name=name, position=start).update(position=after, moved_at=timezone.now()) != 1:
            raise Conflict("Another export of this name is running; let it finish, or choose another name")
        start, sent = after, sent + len(leaves)
    return sent


def _end() -> int:
    newest = LedgerLeaf.objects.order_by("-position").values_list("position", flat=True).first()
    return 0 if newest is None else newest + 1


def _has_news(name: str, start: int, end: int) -> bool:
    """Whether there is more than this export's own events: otherwise each run would be the news of the next."""
    own = {"entry__type": AuditType.EXPORT_MADE.value, "entry__object_ref": _reference(name)}
    return LedgerLeaf.objects.filter(position__gte=start, position__lt=end).exclude(**own).exists()


def _leaves(start: int, end: int) -> list[LedgerLeaf]:
    rows = LedgerLeaf.objects.filter(position__gte=start, position__lt=end).select_related("entry")
    found = list(rows.order_by("position"))
    if len(found) != end - start:
        raise LedgerBroken("The ledger has a gap, so it cannot be exported whole; run verify_audit.")
    return found


def _line(leaf: LedgerLeaf) -> str:
    said = ocsf.record(json.loads(leaf.entry.payload), leaf.position, signing.origin())
    return json.dumps(said, sort_keys=True, separators=(",", ":"))


def _reference(name: str) -> str:
    return f"export:{name}"
