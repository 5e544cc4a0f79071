"""The second factor of staff: whether this session showed one, how long ago, and its secrets at rest; no pages.

The answers are worked out from what allauth notes in the session at each step of a sign-in, and from the factors that
the person holds now: a session whose factor was taken away has shown nothing.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import qrcode
from allauth.account.authentication import get_authentication_records

# The only writer of these notes; it has no public name. A test signs in through it, so a rename cannot pass unseen.
from allauth.account.internal.flows.login import record_authentication
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from qrcode.image.svg import SvgPathFillImage

from governance import audit
from governance.errors import SealRefused
from governance.fields import Scope
from governance.keys import secret_text
from governance.models import StaffUser
from governance.policy.principal import STAFF, Principal
from governance.policy.vocabulary import AuditType

LINK = "link"
_LABEL = "staff.second_factor"
_whose: ContextVar[str | None] = ContextVar("second_factor_owner", default=None)


class Standing(StrEnum):
    """How far the second factor of a session goes."""

    INCOMPLETE = "incomplete"  # no password or no factor yet: enrolment comes first
    UNPROVEN = "unproven"  # there is a factor, and this session has not shown it
    STALE = "stale"  # shown too long ago for anything sealed
    FRESH = "fresh"

    @property
    def opens_console(self) -> bool:
        """Whether the console lets this session in."""
        return self in {Standing.STALE, Standing.FRESH}


def standing(request: Any, staff: StaffUser) -> Standing:
    """Answer the standing of a signed-in person's session; worked out once a request, with one query."""
    if not hasattr(request, "factor_standing"):
        request.factor_standing = _judge(staff, get_authentication_records(request, staff), timezone.now())
    found: Standing = request.factor_standing
    return found


def note_link(request: Any, staff: StaffUser) -> None:
    """Note in the session that a one-time link was used. Only a demonstration takes it for a second factor."""
    record_authentication(request, staff, LINK)


def ways_in(request: Any, staff: StaffUser) -> list[str]:
    """Name what this sign-in was made with, for the ledger: password, link, totp, webauthn, recovery_codes."""
    records = get_authentication_records(request, staff)
    return [str(record.get("type") or record.get("method")) for record in records]


@contextmanager
def recorded(request: Any) -> Iterator[None]:
    """Put a change of somebody's own factors and its ledger rows into one transaction.

    Whoever has just enrolled a factor has shown it: the ceremony asks for a code, or for a touch of the key.
    """
    user = request.user
    with transaction.atomic(durable=True):
        before = _held(user)
        yield
        after = _held(user)
        for kind in _missing(before, after):
            record_change(AuditType.STAFF_FACTOR_REMOVED, user, kind)
        for kind in _missing(after, before):
            record_change(AuditType.STAFF_FACTOR_ADDED, user, kind)
    for pk, kind in after.items():
        if pk not in before and kind != Authenticator.Type.RECOVERY_CODES:
            record_authentication(request, user, "mfa", id=pk, type=kind, reauthenticated=True)


def record_change(type_: AuditType, staff: StaffUser, factor: str, *, by: Principal | None = None) -> None:
    """Record that a factor came or went, by the person's own hand unless `by` says otherwise."""
    actor = by or Principal(STAFF, staff.pk.hex, frozenset(), frozenset())
    audit.record(type_, actor=actor, object_ref=f"staff:{staff.pk.hex}", details={"factor": factor})


@transaction.atomic
def forget_all(staff: StaffUser, *, principal: Principal) -> None:
    """Take every factor and the password from somebody who lost them; all of their sessions end with the password."""
    for factor in Authenticator.objects.filter(user=staff).order_by("pk"):
        factor.delete()
        record_change(AuditType.STAFF_FACTOR_REMOVED, staff, factor.type, by=principal)
    staff.set_unusable_password()
    staff.save(update_fields=["password"])
    record_change(AuditType.STAFF_FACTOR_REMOVED, staff, "password", by=principal)


@contextmanager
def owner(staff: StaffUser) -> Iterator[None]:
    """Say whose secrets are opened while nobody is signed in yet."""
    token = _whose.set(staff.pk.hex)
    try:
        yield
    finally:
        _whose.reset(token)


class StaffFactorAdapter(DefaultMFAAdapter):
    """Seals authenticator secrets and the seeds of recovery codes for the member of staff they belong to.

    Opening one is no reveal: it is not personal data of a data subject but a credential of the service's own staff,
    it is compared by the machine and shown to nobody, and no principal exists yet who could name a purpose. What
    counts, the sign-in itself, has its ledger row. (Recovery codes are shown once, to their owner.)
    """

    def encrypt(self, text: str) -> str:
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text)

    def get_totp_issuer(self) -> str:
        """Name the installation in the authenticator app by its public address, not by what a request claims."""
        return urlsplit(settings.GOVERNANCE_PUBLIC_URL).hostname or "governance"

    def build_totp_svg(self, url: str) -> str:
        """Draw the QR code on white: on a dark page a code without ground cannot be scanned."""
        return str(qrcode.make(url, image_factory=SvgPathFillImage).to_string(encoding="unicode"))


def seal(text: str) -> str:
    """Seal a secret for whoever is signed in, or was named with `owner`."""
    return secret_text.seal(text, label=_LABEL, scope=_scope())


def unseal(sealed: str) -> str:
    """Open a secret of whoever is signed in, or was named with `owner`; refuses everybody else's."""
    return secret_text.unseal(sealed, label=_LABEL, scope=_scope())


class FactorStage(AuthenticateStage):
    """Asks for the second factor at sign-in, except of somebody who follows a link in a demonstration."""

    def handle(self) -> tuple[Any, bool]:
        records = get_authentication_records(self.request, self.login.user)
        if _came_by_link(records):
            return None, True
        outcome: tuple[Any, bool] = super().handle()
        return outcome


def _scope() -> Scope:
    whose = _whose.get()
    if whose is None:
        user = getattr(context.request, "user", None)
        if not isinstance(user, StaffUser):
            raise SealRefused("A secret of staff has no owner here")
        whose = user.pk.hex
    return Scope(secret_text.INSTALLATION, STAFF, whose)


def _judge(user: StaffUser, records: list[dict[str, Any]], instant: datetime) -> Standing:
    held, by_link = _held(user), _came_by_link(records)
    if not held:
        # A demonstration's link is all there is to show, so it stays fresh as long as the session lasts.
        return Standing.FRESH if by_link else Standing.INCOMPLETE
    shown = [record["at"] for record in records if _stands(record, held)]
    if not shown:
        return Standing.UNPROVEN
    if not (by_link or user.has_usable_password()):
        return Standing.INCOMPLETE
    age = instant.timestamp() - max(shown)
    return Standing.FRESH if age <= settings.GOVERNANCE_FRESH_FACTOR_SECONDS else Standing.STALE


def _stands(record: Mapping[str, Any], held: Mapping[int, str]) -> bool:
    if record.get("method") == LINK:
        return bool(settings.GOVERNANCE_DEMO)
    if record.get("method") != "mfa":
        return False
    # A used recovery code still counts after its set was replaced: that is what one does after using one.
    return record.get("id") in held or record.get("type") == Authenticator.Type.RECOVERY_CODES


def _came_by_link(records: list[dict[str, Any]]) -> bool:
    return bool(settings.GOVERNANCE_DEMO) and any(record.get("method") == LINK for record in records)


def _held(user: StaffUser) -> dict[int, str]:
    return dict(Authenticator.objects.filter(user=user).values_list("pk", "type"))


def _missing(some: Mapping[int, str], others: Mapping[int, str]) -> list[str]:
    return sorted(kind for pk, kind in some.items() if pk not in others)
