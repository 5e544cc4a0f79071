"""From a proven address to the person behind it, through verified links only; it registers and reveals nothing more.

Whoever may register people passes on what forms say: "this address has that customer number". Unless somebody verified
such a link, it must not lead from one person's proven address to another person's rows.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from governance import vault

if TYPE_CHECKING:
    from uuid import UUID

    from governance.models import DataSubject
    from governance.policy.principal import Principal


def match_proven(controller_id: UUID, type_: str, value: str) -> DataSubject | None:
    """Answer the person whose identifier was just proven, where it is verified as theirs or all that is known of them.

    An unverified address beside other identifiers may have been put there to reach what those lead to.
    """
    found = next(iter(vault.matching(controller_id, [(type_, value)])), None)
    if found is None or found.identifier is None:
        return None
    is_alone = found.subject.identifiers.count() == 1
    return found.subject if is_alone or found.identifier.verified_at is not None else None


def verified_identifiers_of(
    subject: DataSubject, *, principal: Principal, purpose: str, object_ref: str = ""
) -> list[tuple[str, str]]:
    """Reveal the verified identifiers as (type, value); audited. Call outside any transaction."""
    rows = list(subject.identifiers.filter(verified_at__isnull=False).order_by("created_at", "pk"))
    values = vault.reveal_many([row.value for row in rows], principal=principal, purpose=purpose, object_ref=object_ref)
    return [(row.type, value) for row, value in zip(rows, values, strict=True) if isinstance(value, str)]


def unverified_types(subject: DataSubject) -> dict[str, int]:
    """Count the identifiers nobody has verified, by type; nothing is opened."""
    return dict(sorted(Counter(subject.identifiers.filter(verified_at=None).values_list("type", flat=True)).items()))
