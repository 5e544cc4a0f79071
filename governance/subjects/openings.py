"""Who opened a person's data, when and why, told to that person from the ledger (CJEU C-579/21); opens nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Q

from governance.keys import data_keys, pseudonyms
from governance.models import LedgerEntry
from governance.policy.principal import DATA_SUBJECT
from governance.policy.vocabulary import AuditType
from governance.registry import sockets
from governance.subjects.registering import scope_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from governance.models import DataSubject

_MOST: Final = 200
_RULE: Final = "role:"


@dataclass(frozen=True, slots=True)
class Opening:
    """One disclosure. `by` is a kind of actor, `roles` what they were allowed by: never who it was."""

    at: datetime
    by: str
    roles: tuple[str, ...]
    purpose: str
    labels: tuple[str, ...]
    is_own: bool


def openings(
    controller_id: UUID, subject: DataSubject | None, references: Sequence[str] = ()
) -> tuple[list[Opening], bool]:
    """Answer the newest disclosures of this person's data, and whether there are older ones.

    What belongs to the person is found by their pseudonym, what belongs to their requests by reference: `references`
    for a visitor whom we know by a request alone. As many queries for a thousand as for one.
    """
    found = Q(object_ref__in=[*references, *_references(subject)])
    if subject is not None and (pseudonym := _pseudonym(subject)):
        found |= Q(subject_ref=pseudonym)
    rows = LedgerEntry.objects.filter(found, controller=controller_id, type=AuditType.SUBJECT_REVEALED.value)
    newest = list(rows.defer("leaf").order_by("-recorded_at", "-id")[: _MOST + 1])
    return [_opening(row) for row in newest[:_MOST]], len(newest) > _MOST


def _references(subject: DataSubject | None) -> list[str]:
    if subject is None:
        return []
    return [reference for of_app in sockets.references.values() for reference in of_app(subject.pk)]


def _pseudonym(subject: DataSubject) -> str:
    scope = scope_of(subject)
    key = data_keys.opener([scope])[scope]
    return "" if key is None else pseudonyms.of_key(key.pseudonym_key)


def _opening(row: LedgerEntry) -> Opening:
    payload: dict[str, Any] = json.loads(row.payload)
    kind = row.actor_ref.partition(":")[0]
    rules = payload.get("rules", [])  # events of the first version name none
    return Opening(
        at=row.recorded_at,
        by=kind,
        roles=tuple(rule.removeprefix(_RULE) for rule in rules if rule.startswith(_RULE)),
        purpose=payload.get("purpose", ""),
        labels=tuple(payload.get("details", {}).get("labels", ())),
        is_own=kind == DATA_SUBJECT,
    )
