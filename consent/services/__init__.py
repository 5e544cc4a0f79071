"""Writing consents and notices: each door calls one of these; every change carries its audit row and its event."""

from consent.services.centre import Pressed, Visitor, choose, stop_everything
from consent.services.contacts import Sent, log_contacts
from consent.services.importing import History, import_many
from consent.services.notices import publish
from consent.services.proofs import receipt
from consent.services.recording import Choice, Recorded, can_stop, no_for, record, record_for, withdraw_all

__all__ = [
    "Choice",
    "History",
    "Pressed",
    "Recorded",
    "Sent",
    "Visitor",
    "can_stop",
    "choose",
    "import_many",
    "log_contacts",
    "no_for",
    "publish",
    "receipt",
    "record",
    "record_for",
    "stop_everything",
    "withdraw_all",
]
