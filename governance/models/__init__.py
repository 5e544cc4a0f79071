"""The kernel's tables, one file a noun; no behaviour beyond what one row knows of itself."""

from governance.models.access import (
    ControllerGroupGrant,
    ControllerUserGrant,
    ServiceAccount,
    ServiceKey,
    SystemGroupGrant,
    SystemUserGrant,
)
from governance.models.audit import (
    AuditBody,
    ChangeLogEntry,
    Lease,
    LedgerCheckpoint,
    LedgerEntry,
    LedgerLeaf,
    LedgerPending,
)
from governance.models.catalogue import Dataset, Purpose
from governance.models.controller import Brand, Controller
from governance.models.event import IdempotencyRecord, OutboxEvent
from governance.models.key import ControllerKey, DataKey
from governance.models.mail import OutgoingMessage
from governance.models.proof import AddressProof
from governance.models.staff import SignInLink, StaffUser
from governance.models.subject import DataSubject, SubjectIdentifier
from governance.models.system import System, SystemStep
from governance.models.vault import BlindIndex

__all__ = [
    "AddressProof",
    "AuditBody",
    "BlindIndex",
    "Brand",
    "ChangeLogEntry",
    "Controller",
    "ControllerGroupGrant",
    "ControllerKey",
    "ControllerUserGrant",
    "DataKey",
    "DataSubject",
    "Dataset",
    "IdempotencyRecord",
    "Lease",
    "LedgerCheckpoint",
    "LedgerEntry",
    "LedgerLeaf",
    "LedgerPending",
    "OutboxEvent",
    "OutgoingMessage",
    "Purpose",
    "ServiceAccount",
    "ServiceKey",
    "SignInLink",
    "StaffUser",
    "SubjectIdentifier",
    "System",
    "SystemGroupGrant",
    "SystemStep",
    "SystemUserGrant",
]
