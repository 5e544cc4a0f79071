"""Writing consents and notices: each door calls one of these; every change carries its audit row and its event."""

from consent.services.notices import publish, publish_within
from consent.services.recording import Choice, Recorded, can_stop, no_for, record, record_for, withdraw_all

__all__ = [
    "Choice",
    "Recorded",
    "can_stop",
    "no_for",
    "publish",
    "publish_within",
    "record",
    "record_for",
    "withdraw_all",
]
