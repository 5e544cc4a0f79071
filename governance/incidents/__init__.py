"""Breaches of personal data: the register, the 72-hour clock, whom it touched, who was told and why (GDPR 33, 34)."""

from governance.incidents.register import Opening, close, decide, note, open_incident, record_count
from governance.incidents.telling import tell_authority, tell_people

__all__ = ["Opening", "close", "decide", "note", "open_incident", "record_count", "tell_authority", "tell_people"]
