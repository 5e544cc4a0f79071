"""The kernel's tables, one file a noun; no behaviour beyond what one row knows of itself."""

from governance.models.access import (
    ControllerGroupGrant,
    ControllerUserGrant,
    Elevation,
    ServiceAccount,
    ServiceKey,
    SystemGroupGrant,
    SystemUserGrant,
)
from governance.models.alarm import AlarmCursor, AlarmHook, AlarmRule, Alert, AlertAcknowledgement, AlertDelivery
from governance.models.audit import (
    AuditBody,
    ChangeLogEntry,
    ExportCursor,
    Lease,
    LedgerCheckpoint,
    LedgerEntry,
    LedgerLeaf,
    LedgerPending,
    LedgerTile,
    LedgerVerification,
)
from governance.models.catalogue import Dataset, Purpose
from governance.models.controller import Brand, Controller
from governance.models.decision import DecisionCount, DecisionSample, RulesetRecord
from governance.models.erasure import Erasure, ErasureLine, LegalHold
from governance.models.event import IdempotencyRecord, OutboxEvent
from governance.models.incident import Incident, IncidentEntry, IncidentSubject
from governance.models.key import ControllerKey, DataKey, RootSecret
from governance.models.mail import OutgoingMessage
from governance.models.proof import AddressProof
from governance.models.staff import SignInLink, StaffUser
from governance.models.subject import DataSubject, SubjectIdentifier
from governance.models.system import System, SystemStep
from governance.models.token import VaultToken
from governance.models.vault import BlindIndex, IndexVersion
from governance.models.witness import LedgerCosignature, WitnessState

__all__ = [
    "AddressProof",
    "AlarmCursor",
    "AlarmHook",
    "AlarmRule",
    "Alert",
    "AlertAcknowledgement",
    "AlertDelivery",
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
    "DecisionCount",
    "DecisionSample",
    "Elevation",
    "Erasure",
    "ErasureLine",
    "ExportCursor",
    "IdempotencyRecord",
    "Incident",
    "IncidentEntry",
    "IncidentSubject",
    "IndexVersion",
    "Lease",
    "LedgerCheckpoint",
    "LedgerCosignature",
    "LedgerEntry",
    "LedgerLeaf",
    "LedgerPending",
    "LedgerTile",
    "LedgerVerification",
    "LegalHold",
    "OutboxEvent",
    "OutgoingMessage",
    "Purpose",
    "RootSecret",
    "RulesetRecord",
    "ServiceAccount",
    "ServiceKey",
    "SignInLink",
    "StaffUser",
    "SubjectIdentifier",
    "System",
    "SystemGroupGrant",
    "SystemStep",
    "SystemUserGrant",
    "VaultToken",
    "WitnessState",
]
