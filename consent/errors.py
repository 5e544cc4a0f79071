"""What can go wrong with a consent; leaves of the one tree, no personal data in any message.

GovernanceError
├── BadInput
│   └── EventFromTheFuture   422  the event claims a moment that has not come
└── Conflict
    └── IllegalTransition    409  this event cannot follow the current state
"""

from __future__ import annotations

from governance.errors import BadInput, Conflict


class EventFromTheFuture(BadInput):
    """The event claims a moment that has not come: a wrong clock would outrank every later withdrawal."""

    code = "consent.from_the_future"
    title = "The event lies in the future"


class IllegalTransition(Conflict):
    """No event of this kind can follow the current state."""

    code = "consent.illegal_transition"
    title = "The current state of the consent does not allow this"
