"""Staff sign-in: no sign-up, one-time links, and a ledger event for each arrival, departure and failure; no pages.

The second factor has its own room: second_factor.py.
"""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.db import transaction
from django.urls import reverse

from governance import audit
from governance.access import second_factor
from governance.models import SignInLink, StaffUser
from governance.policy.principal import STAFF, Principal
from governance.policy.vocabulary import AuditType

#: Long enough to copy a link from a terminal to a browser, short enough to forget it in a scroll-back.
LINK_PERIOD = timedelta(hours=1)
_TOKEN_BYTES = 32
_STAGES = {"allauth.mfa.stages.AuthenticateStage": "governance.access.second_factor.FactorStage"}


class StaffAccountAdapter(DefaultAccountAdapter):
    """Closes sign-up and records sign-in, sign-out and failure. The event is committed before the session changes."""

    def is_open_for_signup(self, _request: Any) -> bool:
        """Nobody signs up: staff are made by `create_officer`."""
        return False

    def login(self, request: Any, user: StaffUser) -> None:
        """No audit row, no sign-in. Every stage is passed by now, the second factor too."""
        _record(AuditType.STAFF_SIGNED_IN, user, {"by": second_factor.ways_in(request, user)})
        super().login(request, user)

    def logout(self, request: Any) -> None:
        if isinstance(request.user, StaffUser):
            _record(AuditType.STAFF_SIGNED_OUT, request.user)
        super().logout(request)

    def authentication_failed(self, _request: Any, **credentials: Any) -> None:
        """Record that a sign-in failed. The typed address is not kept: it may be anybody's, or a password."""
        user = StaffUser.objects.filter(email=str(credentials.get("email", "")).lower()).first()
        record_failure(user, step="password")

    def reauthenticate(self, user: StaffUser, password: str) -> bool:
        """Check the password of somebody who is signed in, within the same limits as at sign-in."""
        found = self.authenticate(context.request, email=user.email, password=password)
        return found is not None and found.pk == user.pk

    def set_password(self, user: StaffUser, password: str) -> None:
        """A new password and its ledger row come together."""
        with transaction.atomic():
            super().set_password(user, password)
            second_factor.record_change(AuditType.STAFF_FACTOR_ADDED, user, "password")

    def get_login_stages(self) -> list[str]:
        return [_STAGES.get(stage, stage) for stage in super().get_login_stages()]

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Offer the factors, and the password only to whoever has none.

        Otherwise a stolen session and a password would be enough to enrol a thief's own factor.
        """
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        factors = [each for each in methods if each["id"] != "reauthenticate"]
        if len(factors) > 1 and not Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists():
            factors.reverse()  # the passkey before the recovery codes, which are for emergencies
        return factors or methods

    def get_password_change_redirect_url(self, _request: Any) -> str:
        return reverse("mfa_index")

    def add_message(self, request: Any, level: int, *args: Any, **kwargs: Any) -> None:
        """Pass on errors only: the page a person lands on shows what went well."""
        if level == messages.ERROR:
            super().add_message(request, level, *args, **kwargs)


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


def record_failure(user: StaffUser | None, *, step: str) -> None:
    """Record that a step of a sign-in, or of a confirmation, failed."""
    _record(AuditType.STAFF_SIGN_IN_FAILED, user, {"known": user is not None, "step": step})


def _digest(token: str) -> bytes:
    # A plain digest suffices for 256 random bits; it keeps a stolen database from signing anybody in.
    return sha256(token.encode()).digest()


def _record(type_: AuditType, user: StaffUser | None, details: dict[str, bool | str | list[str]] | None = None) -> None:
    actor = Principal(STAFF, user.pk.hex if user else "unknown", frozenset(), frozenset())
    with transaction.atomic(durable=True):
        audit.record(type_, actor=actor, details=details or {})
