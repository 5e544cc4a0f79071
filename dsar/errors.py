"""What can go wrong with a data subject's request; leaves of the one tree, no personal data in any message.

GovernanceError
├── BadInput
│   └── RightNotCovered      422  the regime does not know this right, or no rule was in force that day
├── Conflict
│   ├── IllegalTransition    409  the request is not in a state that allows this
│   └── DeadlineRefused      409  the law does not allow the clock to be moved this way
└── PackageExpired           410  the link to the package has run out
"""

from __future__ import annotations

from governance.errors import BadInput, Conflict, GovernanceError


class RightNotCovered(BadInput):
    """The regime does not know this right, or no rule was in force on the day of receipt."""

    code = "dsar.right_not_covered"
    title = "This right is not covered by that law"


class IllegalTransition(Conflict):
    """The request, or one of its steps, is not in a state that allows this."""

    code = "dsar.illegal_transition"
    title = "The request is not at a point where this can be done"


class DeadlineRefused(Conflict):
    """The law does not allow the clock to be moved this way."""

    code = "dsar.deadline_refused"
    title = "The deadline cannot be moved"


class PackageExpired(GovernanceError):
    """The link to the package has run out; the person may ask for a new one."""

    code = "dsar.package_expired"
    status = 410
    title = "This link has expired"
