"""The one statement behind a decision: key, ruleset version, person and what the plugged-in stage asks for."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from governance.policy.decide import SubjectFacts
from governance.registry import Fragment

#: (label, value) of one blind index.
Handle = tuple[str, bytes]

_COLUMNS = (
    "k.digest", "k.expires_at", "k.revoked_at", "a.disabled_at", "a.id", "a.roles", "a.purposes", "c.ruleset_version",
    "i.label", "i.value", "s.id", "s.status", "s.restricted_at",
)  # fmt: skip
#: Only constants of this module and the app's declared fragment are put together here; values are parameters.
_STATEMENT = (
    "SELECT {columns} FROM governance_servicekey k "
    "JOIN governance_serviceaccount a ON a.id = k.account_id "
    "JOIN governance_controller c ON c.id = a.controller_id "
    "LEFT JOIN governance_blindindex i ON i.controller_id = c.id AND ({handles}) "
    "LEFT JOIN governance_datasubject s ON s.id = i.subject_id "
    "{join} WHERE k.key_id = %s"
)


@dataclass(frozen=True, slots=True, repr=False)
class KeyFacts:
    """The state of the presented key and its account."""

    digest: bytes
    expires_at: datetime
    revoked_at: datetime | None
    disabled_at: datetime | None
    account_id: UUID
    roles: list[str]
    purposes: list[str]
    ruleset: int


@dataclass(frozen=True, slots=True, repr=False)
class Found:
    """What the statement returned: the key, the people by handle, and the app's rows by handle."""

    key: KeyFacts
    subjects: Mapping[Handle, SubjectFacts]
    rows: Mapping[Handle, Sequence[tuple[Any, ...]]]


def fetch(key_id: str, handles: Sequence[Handle], fragment: Fragment | None) -> Found | None:
    """Run the statement. None when there is no such key."""
    columns = _COLUMNS + (fragment.columns if fragment else ())
    where, parameters = _handles(handles)
    statement = _STATEMENT.format(columns=", ".join(columns), handles=where, join=fragment.join if fragment else "")
    with connection.cursor() as cursor:
        cursor.execute(statement, [*parameters, *(fragment.parameters if fragment else ()), key_id])
        rows = cursor.fetchall()
    return _found(rows) if rows else None


def as_datetime(value: Any) -> datetime | None:
    """Read a time as the driver gives it: without its zone from SQLite, as text or not; aware from PostgreSQL."""
    if value is None:
        return None
    read = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read


def as_uuid(value: Any) -> UUID | None:
    """Read a UUID as the driver gives it: hex from SQLite, an object from PostgreSQL."""
    return value if value is None or isinstance(value, UUID) else UUID(value)


def database_uuid(value: UUID) -> Any:
    """Answer the form in which the driver takes a UUID as a parameter."""
    return value if connection.features.has_native_uuid_field else value.hex


def _handles(handles: Sequence[Handle]) -> tuple[str, list[Any]]:
    by_label: dict[str, list[bytes]] = {}
    for label, value in dict.fromkeys(handles):
        by_label.setdefault(label, []).append(value)
    terms, parameters = [], []
    for label, values in by_label.items():
        terms.append(f"(i.label = %s AND i.value IN ({', '.join(['%s'] * len(values))}))")
        parameters += [label, *values]
    return " OR ".join(terms) or "1 = 0", parameters


def _found(rows: Sequence[tuple[Any, ...]]) -> Found:
    width = len(_COLUMNS)
    subjects: dict[Handle, SubjectFacts] = {}
    extra: dict[Handle, list[tuple[Any, ...]]] = {}
    for row in rows:
        label, value, subject_id, status, restricted_at = row[8:width]
        subject = as_uuid(subject_id)
        if subject is None:
            continue
        handle = (label, bytes(value))
        subjects[handle] = SubjectFacts(subject, status, as_datetime(restricted_at))
        extra.setdefault(handle, []).append(row[width:])
    return Found(_key(rows[0]), subjects, extra)


def _key(row: tuple[Any, ...]) -> KeyFacts:
    digest, expires_at, revoked_at, disabled_at, account, roles, purposes, ruleset = row[:8]
    expires, account_id = as_datetime(expires_at), as_uuid(account)
    if expires is None or account_id is None:
        raise ValueError("A service key row without expiry or account")
    return KeyFacts(
        digest=bytes(digest),
        expires_at=expires,
        revoked_at=as_datetime(revoked_at),
        disabled_at=as_datetime(disabled_at),
        account_id=account_id,
        roles=_json(roles),
        purposes=_json(purposes),
        ruleset=ruleset,
    )


def _json(value: Any) -> list[str]:
    read = json.loads(value) if isinstance(value, str | bytes) else value
    return [str(item) for item in read]
