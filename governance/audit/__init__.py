"""The proof of what happened: record it, order it, sign it, verify it; nothing here decides or discloses."""

from governance.audit.recording import record, record_each

__all__ = ["record", "record_each"]
