"""The consent app's tables, one file a noun; no behaviour beyond what one row knows of itself."""

from consent.models.contact import Contact
from consent.models.event import ConsentEvent
from consent.models.notice import NoticeRevision, PrivacyNotice
from consent.models.state import ConsentState

__all__ = ["ConsentEvent", "ConsentState", "Contact", "NoticeRevision", "PrivacyNotice"]
