"""Which OCSF class an event belongs to, so that any security monitor can read the ledger; it must not export."""

from enum import IntEnum
from functools import cache

from governance.policy.vocabulary import AuditType


class EventClass(IntEnum):
    """The classes of the Open Cybersecurity Schema Framework that the ledger uses; the number is `class_uid`."""

    AUTHENTICATION = 3002
    ENTITY_MANAGEMENT = 3004
    USER_ACCESS_MANAGEMENT = 3005
    API_ACTIVITY = 6003
    DATASTORE_ACTIVITY = 6005


#: By the resource that the type begins with; what is not listed is the management of an entity.
_BY_RESOURCE = {
    "access": EventClass.API_ACTIVITY,
    "address": EventClass.AUTHENTICATION,
    "export": EventClass.DATASTORE_ACTIVITY,
    "grant": EventClass.USER_ACCESS_MANAGEMENT,
    "group": EventClass.USER_ACCESS_MANAGEMENT,
    "service": EventClass.USER_ACCESS_MANAGEMENT,
    "staff": EventClass.USER_ACCESS_MANAGEMENT,
}
_EXCEPTIONS = {
    "access.elevated": EventClass.USER_ACCESS_MANAGEMENT,
    "access.elevation_ended": EventClass.USER_ACCESS_MANAGEMENT,
    "access.elevation_reviewed": EventClass.USER_ACCESS_MANAGEMENT,
    "request.code_failed": EventClass.AUTHENTICATION,
    "request.delivered": EventClass.DATASTORE_ACTIVITY,
    "staff.sign_in_failed": EventClass.AUTHENTICATION,
    "staff.signed_in": EventClass.AUTHENTICATION,
    "staff.signed_out": EventClass.AUTHENTICATION,
    "subject.looked_up": EventClass.DATASTORE_ACTIVITY,
    "subject.revealed": EventClass.DATASTORE_ACTIVITY,
}


@cache
def class_of(type_: AuditType) -> EventClass:
    """Answer the class of a type; every type has one."""
    resource = type_.value.partition(".")[0]
    return _EXCEPTIONS.get(type_.value) or _BY_RESOURCE.get(resource, EventClass.ENTITY_MANAGEMENT)
