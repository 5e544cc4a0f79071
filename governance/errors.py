"""The one tree of errors, as seen by every door; it must not format responses or hold personal data.

GovernanceError
├── BadInput                 422  the request does not fit; `errors` names each field and the remedy
│   ├── InvalidDataset       422  a dataset description cannot be used
│   ├── PayloadTooLarge      413
│   └── MediaTypeRefused     415
├── NotAuthenticated         401  no key, or one that is unknown, expired or revoked
├── AccessDenied             403  authenticated, and the policy says no
│   └── Restricted           403  the person's data is restricted, and this use is none that stays possible
├── CodeRefused              403  a one-time code is wrong, used, expired or tried too often (not said which)
├── NotFound                 404  absent, or outside the caller's scope (the same answer)
├── Conflict                 409  the state of the thing does not allow this now
│   ├── Disabled             409  the person is being erased; nothing opens unless that is undone
│   ├── Held                 409  a legal hold stands, so nothing is erased
│   └── IdempotencyMismatch  422  one key, two bodies
├── TooManyRequests          429
├── Unavailable              503  the database does not answer; nothing is allowed meanwhile
│   └── ErasuresMissing      503  the database is older than the erasures that the file outside it names
├── KeyUnavailable           503  the key provider cannot be used; fails closed
│   ├── KeyRetired           503  the key may no longer be used, not even to open
│   ├── KeySuspended         503  the key is disabled for now, here or at the provider
│   └── KeyUnknown           503  no key has this id
├── Erased                   410  the person's key was destroyed
├── SealRefused              500  a sealed value does not belong to this place
│   └── KeyForeign           500  it names the key of another controller or owner
├── AuditRefused             500  the audit row could not be written, so nothing was disclosed
├── LedgerBroken             500  the ledger does not verify
├── SystemUnavailable        503  a connected system does not answer
└── SystemRefused            409  a connected system answered no

CryptoError (governance/crypto/errors.py) is the pure room's own root; doors answer it as a blank 500.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from governance.crypto.errors import CryptoError

__all__ = [
    "AccessDenied",
    "AuditRefused",
    "BadInput",
    "CodeRefused",
    "Conflict",
    "CryptoError",
    "Disabled",
    "Erased",
    "ErasuresMissing",
    "FieldError",
    "GovernanceError",
    "Held",
    "IdempotencyMismatch",
    "InvalidDataset",
    "KeyForeign",
    "KeyRetired",
    "KeySuspended",
    "KeyUnavailable",
    "KeyUnknown",
    "LedgerBroken",
    "MediaTypeRefused",
    "NotAuthenticated",
    "NotFound",
    "PayloadTooLarge",
    "Restricted",
    "SealRefused",
    "SystemRefused",
    "SystemUnavailable",
    "TooManyRequests",
    "Unavailable",
]


@dataclass(frozen=True, slots=True)
class FieldError:
    """One complaint about one field: where (RFC 6901 pointer) and what to do. Never what was sent."""

    pointer: str
    detail: str


class GovernanceError(Exception):
    """Root of the tree. `detail` is for people: it names the remedy and no personal data."""

    code = "governance.error"
    status = 500
    title = "The service could not do this"

    def __init__(self, detail: str = "", *, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.errors = tuple(errors)


class BadInput(GovernanceError):
    """The request does not fit its description."""

    code = "request.invalid"
    status = 422
    title = "The request does not fit"


class InvalidDataset(BadInput):
    """A dataset description cannot be used."""

    code = "dataset.invalid"
    title = "The dataset description cannot be used"


class PayloadTooLarge(BadInput):
    """The body is larger than this door accepts."""

    code = "request.too_large"
    status = 413
    title = "The request body is too large"


class MediaTypeRefused(BadInput):
    """The body is of a type, or in a coding, that this door does not read (RFC 9110 §15.5.16)."""

    code = "request.media_type"
    status = 415
    title = "This media type is not read here"


class NotAuthenticated(GovernanceError):
    """No key, or one that is unknown, expired or revoked; which of these is not said."""

    code = "auth.required"
    status = 401
    title = "A valid service key is required"


class AccessDenied(GovernanceError):
    """The policy says no."""

    code = "access.denied"
    status = 403
    title = "This is not allowed"


class Restricted(AccessDenied):
    """The use of the person's data is restricted (GDPR Art. 18)."""

    code = "subject.restricted"
    title = "The use of this person's data is restricted"


class CodeRefused(GovernanceError):
    """A one-time code is wrong, used, expired, replaced or tried too often; which of these is not said.

    `is_counted` says to the service whether it spent an attempt: what spends none leaves no row behind either.
    """

    is_counted = False
    code = "proof.refused"
    status = 403
    title = "This code cannot be used"


class NotFound(GovernanceError):
    """Absent, or outside the caller's scope: the same answer for both."""

    code = "object.not_found"
    status = 404
    title = "Nothing here"


class Conflict(GovernanceError):
    """The state of the thing does not allow this now."""

    code = "state.conflict"
    status = 409
    title = "The current state does not allow this"


class Disabled(Conflict):
    """The person's erasure waits for the end of its grace: nothing opens and nothing is sealed meanwhile."""

    code = "subject.disabled"
    title = "The person is being erased"


class Held(Conflict):
    """A legal hold stands on the person: nothing is erased until it ends or an officer releases it."""

    code = "subject.held"
    title = "A legal hold keeps this person's data"


class IdempotencyMismatch(Conflict):
    """An Idempotency-Key came back with another body."""

    code = "idempotency.mismatch"
    status = 422
    title = "This Idempotency-Key was used with another body"


class TooManyRequests(GovernanceError):
    """The caller exceeded a limit."""

    code = "request.too_many"
    status = 429
    title = "Too many requests"


class Unavailable(GovernanceError):
    """The database does not answer. Every door stays shut until it does (D63)."""

    code = "service.unavailable"
    status = 503
    title = "The service cannot answer now"


class ErasuresMissing(Unavailable):
    """People were erased whom this database still holds, or the file that says so is not whole. Nobody is served."""

    code = "erasure.missing"
    title = "Erasures must be carried out again first"


class KeyUnavailable(GovernanceError):
    """The key provider cannot be used; nothing is opened or sealed without it."""

    code = "key.unavailable"
    status = 503
    title = "The key store cannot be used now"


class KeyRetired(KeyUnavailable):
    """The key may no longer be used, not even to open what it once sealed."""

    code = "key.retired"
    title = "The key is retired"


class KeySuspended(KeyUnavailable):
    """The key is disabled for now: here, by whoever suspended it, or at the provider."""

    code = "key.suspended"
    title = "The key is disabled"


class KeyUnknown(KeyUnavailable):
    """No key has this id: its row is missing, or the provider does not know its version."""

    code = "key.unknown"
    title = "The key is not known"


class Erased(GovernanceError):
    """The person's key was destroyed: what was sealed under it no longer opens."""

    code = "subject.erased"
    status = 410
    title = "The person was erased"


class SealRefused(GovernanceError):
    """A sealed value does not belong to the row it was put into."""

    code = "seal.refused"
    title = "A sealed value does not belong here"


class KeyForeign(SealRefused):
    """A sealed value names the key of another controller or owner: it was moved."""

    code = "key.foreign"
    title = "A sealed value names somebody else's key"


class AuditRefused(GovernanceError):
    """The audit row could not be written before the disclosure, so nothing was disclosed."""

    code = "audit.refused"
    title = "The audit record could not be written"


class LedgerBroken(GovernanceError):
    """The ledger does not verify."""

    code = "ledger.broken"
    title = "The ledger does not verify"


class SystemUnavailable(GovernanceError):
    """A connected system does not answer."""

    code = "system.unavailable"
    status = 503
    title = "A connected system does not answer"


class SystemRefused(GovernanceError):
    """A connected system answered no."""

    code = "system.refused"
    status = 409
    title = "A connected system refused"
