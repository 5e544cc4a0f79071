"""Idempotency-Key: a repeated unsafe call answers what the first one answered; keeps status and ids, never values."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

from django.db import IntegrityError, transaction
from django.utils import timezone

from governance.errors import BadInput, Conflict, FieldError, IdempotencyMismatch
from governance.keys import index_keys
from governance.models import IdempotencyRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest

    from governance.policy.principal import Principal

#: How long a repeated call finds the first answer.
KEPT: Final = timedelta(hours=24)
#: A call that has not answered by then was lost with its process; the next one may do the work.
LOST_AFTER: Final = timedelta(seconds=60)

_FORM: Final = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)

Answer = tuple[int, dict[str, Any]]


def key_of(request: HttpRequest) -> str:
    """Answer the header's key, empty without the header; raises BadInput for one that is no key.

    Some servers hand on an empty text for what is not ASCII: taken for none, a repeated call would run twice.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return ""
    if not _FORM.fullmatch(key):
        complaint = FieldError("", "Send 1 to 255 visible ASCII characters in the header Idempotency-Key")
        raise BadInput("The Idempotency-Key cannot be used", errors=[complaint])
    return key


def once(principal: Principal, key: str, body: bytes, run: Callable[[], Answer]) -> Answer:
    """Run once for this caller, key and body; repeat the first answer for a repeated call.

    The claim is committed before the work: of two calls at once one runs and the other gets a Conflict. What `run`
    writes must be idempotent by `stable_id`, because a process can die after the work and before its answer is kept.
    Raises IdempotencyMismatch for another body. An error of `run` frees the key. Call outside any transaction.
    """
    if not key:
        return run()
    # Keyed, because a plain digest of a body with an address in it could be found by trying addresses.
    digest = index_keys.digest("idempotency", body).hex()
    claimed, known = _claim(UUID(principal.id), key, digest)
    if known is not None:
        return known
    try:
        status, answer = run()
    except Exception:
        claimed.delete()
        raise
    IdempotencyRecord.objects.filter(pk=claimed.pk).update(status=status, answer=answer)
    return status, answer


def stable_id(principal: Principal, key: str) -> UUID | None:
    """Answer the id of what this caller creates under this key; None without a key."""
    return uuid5(UUID(principal.id), f"idempotency:{key}") if key else None


def forget_old() -> int:
    """Delete answers older than a day; answers how many."""
    return IdempotencyRecord.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0]


def _claim(service_id: UUID, key: str, digest: str) -> tuple[IdempotencyRecord, Answer | None]:
    instant = timezone.now()
    fresh = IdempotencyRecord(service_id=service_id, key=key, body_digest=digest, created_at=instant)
    try:
        with transaction.atomic():
            fresh.save(force_insert=True)
    except IntegrityError:
        return _join(IdempotencyRecord.objects.filter(service_id=service_id, key=key).first(), digest)
    return fresh, None


def _join(record: IdempotencyRecord | None, digest: str) -> tuple[IdempotencyRecord, Answer | None]:
    if record is None:
        raise Conflict("The first call with this Idempotency-Key has just failed; try again")
    if record.body_digest != digest:
        raise IdempotencyMismatch("Send the same body again, or another Idempotency-Key")
    if record.status is not None:
        return record, (record.status, record.answer or {})
    instant = timezone.now()
    lost = IdempotencyRecord.objects.filter(pk=record.pk, status=None, created_at__lt=instant - LOST_AFTER)
    if not lost.update(created_at=instant):
        raise Conflict("The first call with this Idempotency-Key is still running; try again in a moment")
    return record, None
