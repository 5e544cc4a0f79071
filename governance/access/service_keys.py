"""Keys of internal services: issue, parse, check, revoke. Only digests are stored; a key is shown once."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from governance import audit
from governance.errors import NotAuthenticated
from governance.models import Controller, ServiceAccount, ServiceKey
from governance.policy.principal import SERVICE, Principal
from governance.policy.vocabulary import SERVICE_ROLES, AuditType, Role

#: `<prefix>_<id>_<secret>`, so that secret scanners can find a leaked key.
#: The name of the scheme is written in any case and followed by blanks (RFC 9110 §11.1, §11.4).
_FORM = re.compile(r"^[Bb][Ee][Aa][Rr][Ee][Rr] +([a-z]{2,12})_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$")
LIFETIME = timedelta(days=365)


@dataclass(frozen=True, slots=True, repr=False)
class PresentedKey:
    """What a caller sent: the id, and the digest of the secret."""

    key_id: str
    digest: bytes


def parse(authorization: str) -> PresentedKey:
    """Read an Authorization header; raises NotAuthenticated for anything that is no key of this service."""
    match = _FORM.fullmatch(authorization)
    if match is None or match[1] != settings.GOVERNANCE_KEY_PREFIX:
        raise NotAuthenticated("Send the header Authorization: Bearer <service key>")
    return PresentedKey(match[2], hashlib.sha256(match[3].encode()).digest())


def is_valid(
    presented: PresentedKey,
    digest: bytes,
    *,
    expires_at: datetime,
    revoked_at: datetime | None,
    disabled_at: datetime | None,
    instant: datetime,
) -> bool:
    """Whether the key opens the door now. The digest is compared in constant time, whatever else is wrong."""
    matches = hmac.compare_digest(presented.digest, digest)
    return matches and revoked_at is None and disabled_at is None and instant < expires_at


def principal_from(account_id: UUID, controller_id: UUID, roles: list[str], purposes: list[str]) -> Principal:
    """Answer the service as a principal; role names that are none of a service's count for nothing."""
    known = frozenset(role for role in SERVICE_ROLES if role.value in roles)
    return Principal(SERVICE, account_id.hex, known, frozenset({controller_id.hex}), frozenset(purposes))


def authenticate(authorization: str) -> Principal:
    """Answer the principal behind a key, with one query; raises NotAuthenticated and says not why."""
    presented = parse(authorization)
    row = ServiceKey.objects.select_related("account").filter(key_id=presented.key_id).first()
    if row is None or not is_valid(
        presented,
        bytes(row.digest),
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        disabled_at=row.account.disabled_at,
        instant=timezone.now(),
    ):
        raise NotAuthenticated
    account = row.account
    return principal_from(account.pk, account.controller_id, account.roles, account.purposes)


@transaction.atomic(durable=True)
def create_account(
    controller: Controller, name: str, roles: list[Role], purposes: list[str], *, principal: Principal
) -> ServiceAccount:
    """Create a service account; it can do nothing until it has a key."""
    account = ServiceAccount.objects.create(
        controller=controller, name=name, roles=[role.value for role in roles], purposes=purposes
    )
    audit.record(
        AuditType.SERVICE_CREATED,
        actor=principal,
        controller_id=controller.pk,
        object_ref=f"service:{account.pk.hex}",
        details={"roles": account.roles, "purposes": purposes},
    )
    return account


@transaction.atomic(durable=True)
def issue(account: ServiceAccount, *, principal: Principal, lifetime: timedelta = LIFETIME) -> str:
    """Issue a key and answer it, the only time it can be seen. Two keys may live at once, for rotation."""
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    ServiceKey.objects.create(
        key_id=key_id,
        account=account,
        digest=hashlib.sha256(secret.encode()).digest(),
        expires_at=timezone.now() + lifetime,
    )
    _record(AuditType.SERVICE_KEY_ISSUED, account, key_id, principal)
    return f"{settings.GOVERNANCE_KEY_PREFIX}_{key_id}_{secret}"


@transaction.atomic(durable=True)
def revoke(key: ServiceKey, *, principal: Principal) -> None:
    """Revoke a key; effective on the next request in every process."""
    ServiceKey.objects.filter(pk=key.pk, revoked_at=None).recorded().update(revoked_at=timezone.now())
    _record(AuditType.SERVICE_KEY_REVOKED, key.account, key.key_id, principal)


def _record(type_: AuditType, account: ServiceAccount, key_id: str, principal: Principal) -> None:
    audit.record(
        type_,
        actor=principal,
        controller_id=account.controller_id,
        object_ref=f"service:{account.pk.hex}",
        details={"key_id": key_id},
    )
