"""An event of the ledger in the words of OCSF 1.5.0, for security monitors; pure: one payload in, one record out."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from governance.policy.event_classes import EventClass, class_of
from governance.policy.principal import DATA_SUBJECT, STAFF
from governance.policy.vocabulary import AuditType

if TYPE_CHECKING:
    from collections.abc import Mapping

#: One version is pinned: what a field means differs between them (`metadata.uid` does from 1.7.0 on).
VERSION: Final = "1.5.0"
_OTHER: Final = 99
_INFORMATIONAL, _LOW = 1, 2
_SUCCESS, _FAILURE = 1, 2
_USER, _SYSTEM = 1, 3
#: Verbs of audit types by what OCSF calls them: Create 1, Read 2, Update 3, Delete 4.
_CREATE: Final = frozenset(
    {"added", "asked", "created", "identifier_added", "imported", "link_issued", "made", "opened", "placed"}
    | {"published", "raised", "received", "recorded", "registered", "reported", "sent", "started"}
)
_DELETE: Final = frozenset({"destroyed", "erased", "purged", "removed", "released", "revoked", "deleted"})
_ENTITY: Final = EventClass.ENTITY_MANAGEMENT
_ACTIVITIES: Final[Mapping[str, int]] = {
    "access.denied": _OTHER,
    "access.elevated": 1,
    "access.elevation_ended": 2,
    "address.proven": 1,
    "address.refused": 1,
    "request.code_failed": 1,
    "request.delivered": 1,
    "service.key_issued": 1,
    "service.key_revoked": 2,
    "staff.factor_added": 1,
    "staff.factor_removed": 2,
    "staff.signed_in": 1,
    "staff.signed_out": 2,
    "staff.sign_in_failed": 1,
    "subject.found": 4,
    "subject.revealed": 10,
}
#: A change of rights says in its details which way it went.
_CHANGES: Final[Mapping[str | None, str]] = {"granted": "created", "removed": "removed"}
#: What making, ending and anything else is in each class: Create, Delete, Update; Assign and Revoke Privileges; Read.
_USUAL: Final[Mapping[EventClass, tuple[int, int, int]]] = {
    EventClass.API_ACTIVITY: (1, 4, 3),
    EventClass.AUTHENTICATION: (_OTHER, _OTHER, _OTHER),
    EventClass.DATASTORE_ACTIVITY: (1, 1, 1),
    EventClass.ENTITY_MANAGEMENT: (1, 4, 3),
    EventClass.USER_ACCESS_MANAGEMENT: (1, 2, _OTHER),
}
_FAILED: Final = ("denied", "failed", "refused")
_CRUD: Final = {1: "Create", 2: "Read", 3: "Update", 4: "Delete"}
#: What OCSF calls the activities that are used here; of `Other` alone the name is the source's own.
_CAPTIONS: Final[Mapping[EventClass, Mapping[int, str]]] = {
    EventClass.API_ACTIVITY: _CRUD,
    EventClass.AUTHENTICATION: {1: "Logon", 2: "Logoff"},
    EventClass.DATASTORE_ACTIVITY: {1: "Read", 4: "Query", 10: "Decrypt"},
    EventClass.ENTITY_MANAGEMENT: _CRUD,
    EventClass.USER_ACCESS_MANAGEMENT: {1: "Assign Privileges", 2: "Revoke Privileges"},
}


def record(payload: Mapping[str, Any], position: int, log: str) -> dict[str, Any]:
    """Answer one event as an OCSF record. `payload` is what the leaf hash covers, read from its JSON."""
    class_uid = _class(payload)
    activity = _activity(payload, class_uid)
    has_failed = payload["type"].endswith(_FAILED) or payload.get("decision") == "deny"
    return {
        "activity_id": activity,
        "activity_name": payload["type"] if activity == _OTHER else _CAPTIONS[class_uid][activity],
        "actor": {"user": _user(payload["actor"])},
        "category_uid": class_uid // 1000,
        "class_uid": int(class_uid),
        "metadata": _metadata(payload, position, log),
        "severity_id": _LOW if has_failed else _INFORMATIONAL,
        "status_id": _FAILURE if has_failed else _SUCCESS,
        "time": int(datetime.fromisoformat(payload["time"]).timestamp() * 1000),
        "type_uid": class_uid * 100 + activity,
        "unmapped": _unmapped(payload, position),
        **_OF_CLASS[class_uid](payload),
    }


def _class(payload: Mapping[str, Any]) -> EventClass:
    try:
        return class_of(AuditType(payload["type"]))
    except ValueError:  # a type that an older version wrote
        return EventClass(payload.get("class", _ENTITY))


def _activity(payload: Mapping[str, Any], class_uid: EventClass) -> int:
    if (known := _ACTIVITIES.get(payload["type"])) is not None:
        return known
    verb = _CHANGES.get(payload.get("details", {}).get("change"), payload["type"].partition(".")[2])
    made, ended, otherwise = _USUAL[class_uid]
    return made if verb in _CREATE else ended if verb in _DELETE else otherwise


def _metadata(payload: Mapping[str, Any], position: int, log: str) -> dict[str, Any]:
    found = {
        "event_code": payload["type"],
        "log_name": log,
        "original_time": payload["time"],
        "product": {"name": "Customer governance service", "vendor_name": log},
        "sequence": position,
        "uid": payload["id"],
        "version": VERSION,
    }
    if payload.get("controller"):
        found["tenant_uid"] = payload["controller"]
    if payload.get("correlation"):
        found["correlation_uid"] = payload["correlation"]
    return found


def _unmapped(payload: Mapping[str, Any], position: int) -> dict[str, Any]:
    names = ("subject", "object", "purpose", "decision", "rules", "ruleset", "details", "body_commit", "v")
    return {"ledger_position": position, **{name: payload[name] for name in names if payload.get(name)}}


def _user(reference: str) -> dict[str, Any]:
    kind = reference.partition(":")[0]
    return {"uid": reference, "type_id": _USER if kind in {STAFF, DATA_SUBJECT} else _SYSTEM}


def _affected(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Whose account or privilege it is about: the object where it names one, else the actor."""
    named = payload.get("object") or ""
    return _user(named if named.startswith(("staff:", "service:")) else payload["actor"])


def _entity(payload: Mapping[str, Any]) -> dict[str, Any]:
    named = payload.get("object") or payload.get("subject") or payload["type"].partition(".")[0]
    found: dict[str, Any] = {"entity": {"uid": named, "type": payload["type"].partition(".")[0]}}
    reason = payload.get("purpose") or payload.get("details", {}).get("reason")
    return found | ({"comment": str(reason)} if reason else {})


def _privileges(payload: Mapping[str, Any]) -> dict[str, Any]:
    details = payload.get("details", {})
    held = [str(details[name]) for name in ("role", "factor", "key_id") if details.get(name)]
    held += [str(role) for role in details.get("roles", ())]
    return {"privileges": held or [payload["type"]], "user": _affected(payload)}


def _api(payload: Mapping[str, Any]) -> dict[str, Any]:
    operation = str(payload.get("details", {}).get("action") or payload["type"])
    return {"api": {"operation": operation}, "src_endpoint": _nowhere()}


def _datastore(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {"database": {"name": "vault", "type_id": 1}, "src_endpoint": _nowhere(), "type_id": 1}


def _authentication(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {"service": {"name": "Customer governance service"}, "user": _user(payload["actor"])}


def _nowhere() -> dict[str, Any]:
    """OCSF asks for an endpoint. The ledger keeps no addresses of callers: they are personal data."""
    return {"name": "not recorded"}


_OF_CLASS: Final = {
    EventClass.AUTHENTICATION: _authentication,
    EventClass.ENTITY_MANAGEMENT: _entity,
    EventClass.USER_ACCESS_MANAGEMENT: _privileges,
    EventClass.API_ACTIVITY: _api,
    EventClass.DATASTORE_ACTIVITY: _datastore,
}
