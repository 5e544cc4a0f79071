"""Staff sign-in: no sign-up, one-time links, and a ledger event for each arrival, departure and failure; no pages."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.db import transaction

from governance import audit
from governance.models import SignInLink, StaffUser
from governance.policy.principal import STAFF, Principal
from governance.policy.vocabulary import AuditType

#: Long enough to copy a link from a terminal to a browser, short enough to forget it in a scroll-back.
LINK_PERIOD = timedelta(hours=1)
_TOKEN_BYTES = 32


class StaffAccountAdapter(DefaultAccountAdapter):
    """Closes sign-up and records sign-in, sign-out and failure. The event is committed before the session changes."""

    def is_open_for_signup(self, _request: Any) -> bool:
        """Nobody signs up: staff are made by `create_officer`."""
        return False

    def login(self, request: Any, user: StaffUser) -> None:
        """No audit row, no sign-in."""
        _record(AuditType.STAFF_SIGNED_IN, user)
        super().login(request, user)

    def logout(self, request: Any) -> None:
        if isinstance(request.user, StaffUser):
            _record(AuditType.STAFF_SIGNED_OUT, request.user)
        super().logout(request)

    def authentication_failed(self, _request: Any, **credentials: Any) -> None:
        """Record that a sign-in failed. The typed address is not kept: it may be anybody's, or a password."""
        user = StaffUser.objects.filter(email=str(credentials.get("email", "")).lower()).first()
        _record(AuditType.STAFF_SIGN_IN_FAILED, user, {"known": user is not None})

    def add_message(self, *_args: Any, **_kwargs: Any) -> None:
        """Say nothing of our own accord: the page a person lands on shows that they are signed in."""


@transaction.atomic
def issue_link(staff: StaffUser, *, principal: Principal, instant: datetime) -> str:
    """Answer the token of a one-time link; earlier unused links of the same person stop working."""
    SignInLink.objects.filter(staff=staff, used_at__isnull=True).delete()
    # Shaped like our keys, so that the redaction of logs takes it out of the request line.
    token = f"link_{secrets.token_hex(8)}_{secrets.token_urlsafe(_TOKEN_BYTES)}"
    SignInLink.objects.create(staff=staff, digest=_digest(token), expires_at=instant + LINK_PERIOD)
    audit.record(AuditType.STAFF_LINK_ISSUED, actor=principal, object_ref=f"staff:{staff.pk.hex}")
    return token


@transaction.atomic
def consume_link(token: str, *, instant: datetime) -> StaffUser | None:
    """Answer the person behind a link and use it up, or None for a wrong, used or expired one or an inactive person."""
    usable = SignInLink.objects.filter(
        digest=_digest(token), used_at__isnull=True, expires_at__gt=instant, staff__is_active=True
    )
    # Compare-and-set: of two requests with the same link only one sees a changed row.
    if usable.update(used_at=instant) != 1:
        return None
    return StaffUser.objects.get(signinlink__digest=_digest(token))


def _digest(token: str) -> bytes:
    # A plain digest suffices for 256 random bits; it keeps a stolen database from signing anybody in.
    return sha256(token.encode()).digest()


def _record(type_: AuditType, user: StaffUser | None, details: dict[str, bool] | None = None) -> None:
    actor = Principal(STAFF, user.pk.hex if user else "unknown", frozenset(), frozenset())
    with transaction.atomic(durable=True):
        audit.record(type_, actor=actor, details=details or {})
