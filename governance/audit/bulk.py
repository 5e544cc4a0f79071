"""Writes the one summary row of an audited bulk call; it changes nothing itself."""

from uuid import UUID

from governance.audit.recording import record
from governance.models.governed import BulkWrite
from governance.policy.vocabulary import AuditType

#: A filter with more terms than this is cut; its count is kept.
_MOST = 40
_LONGEST = 200


def summarise(write: BulkWrite) -> None:
    """Record what a bulk call did: model, count, fields and filter, as names only."""
    served = [each for each in write.actor.controllers if each]
    record(
        AuditType.ROWS_CHANGED,
        actor=write.actor,
        controller_id=UUID(served[0]) if len(served) == 1 else None,
        object_ref=f"model:{write.model}",
        details={
            "call": write.call,
            "count": write.count,
            "fields": [each[:_LONGEST] for each in write.fields[:_MOST]],
            "filter": [each[:_LONGEST] for each in write.conditions[:_MOST]],
            "terms": len(write.conditions),
            "reason": write.reason,
        },
    )
