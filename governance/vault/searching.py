"""Finding people by an identifier without opening anything, through the blind index."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Q

from governance.keys.index_keys import index_value, label
from governance.models import BlindIndex, DataSubject


def match(controller_id: UUID, type_: str, value: str) -> DataSubject | None:
    """Answer the person with this identifier, or None; one query."""
    found = matches(controller_id, [(type_, value)])
    return found[0] if found else None


def matches(controller_id: UUID, identifiers: Sequence[tuple[str, str]]) -> list[DataSubject]:
    """Answer the distinct people who have any of these identifiers; one query."""
    if not identifiers:
        return []
    where = Q()
    for type_, value in identifiers:
        where |= Q(label=label(type_), value=index_value(controller_id, type_, value))
    rows = BlindIndex.objects.filter(where, controller_id=controller_id).select_related("subject").order_by("pk")
    return list({row.subject_id: row.subject for row in rows}.values())
