"""Reading consents: what counts now, what counted then, and a person's history; nothing here writes or decides."""

from consent.selectors.contacts import contacts_of
from consent.selectors.history import events_of, facts_as_of
from consent.selectors.notices import current_revision, notices_of, revision_of
from consent.selectors.states import counted, states_of

__all__ = [
    "contacts_of",
    "counted",
    "current_revision",
    "events_of",
    "facts_as_of",
    "notices_of",
    "revision_of",
    "states_of",
]
