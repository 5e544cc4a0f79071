"""The proof of what happened: record it, order it, sign it, verify it; nothing here decides or discloses."""

from governance.audit.recording import Occurrence, record, record_each, record_many

__all__ = ["Occurrence", "record", "record_each", "record_many"]
