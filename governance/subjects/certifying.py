"""The certificate of destruction: signed once every value of the person was tried and none opened; no personal data.

It is a C2SP signed note: whoever has the public key of the ledger verifies it without this service.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import structlog
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from governance import audit
from governance.errors import Conflict
from governance.fields import Scope
from governance.keys import data_keys, signing
from governance.models import Erasure
from governance.policy.principal import Principal, worker
from governance.policy.vocabulary import AuditType
from governance.vault import trying

if TYPE_CHECKING:
    from collections.abc import Sequence

    from governance.vault.trying import Tried

logger = structlog.get_logger(__name__)

HEADING: Final = "certificate-of-destruction/1"
_BATCH: Final = 50
#: What a destroyed key does not reach, or not yet: said, so that nobody reads more into the certificate than it holds.
RESIDUES: Final = (
    "backups and write-ahead logs of the database, and its replicas: they hold the wrapped key until they are "
    "overwritten, or until the root key of their day is destroyed",
    "the memory of running processes: an opened key is dropped within a minute, and Python cannot wipe it",
    "what is needed to answer the request: sealed under the request's own key until that is destroyed on schedule",
    "copies outside this service: what connected systems did is in the answer to the request, not here",
)


def certificate_for(object_ref: str) -> Erasure | None:
    """Answer the newest destruction that something asked for, with its certificate if it has one."""
    rows = Erasure.objects.filter(object_ref=object_ref, state=Erasure.State.DESTROYED)
    found: Erasure | None = rows.order_by("-ended_at").first()
    return found


def certify(erasure: Erasure, *, principal: Principal) -> str:
    """Try every value of an erased person, and answer the signed certificate; the same one each time.

    Raises Conflict, after an alarm was committed, when a key is still there or a value still opens.
    """
    with transaction.atomic(durable=True):
        row: Erasure = Erasure.objects.select_for_update().get(pk=erasure.pk)
        if row.state != Erasure.State.DESTROYED:
            raise Conflict(gettext("Nothing was destroyed yet, so nothing can be certified"))
        scope = Scope(row.controller_id.hex, "subject", row.subject_id.hex)
        # A key that is there may open tomorrow what does not lie here today.
        keys = data_keys.living(scope)
        tried = [*trying.try_all(scope), trying.try_files(scope, row.key_ids)]
        refuted = [each for each in tried if each.opened]
        if keys or refuted:
            _alarm(row, keys, refuted, principal)
        elif not row.certificate:
            _sign(row, tried, principal)
    if keys or refuted:
        raise Conflict(gettext("A value of this person still opens: no certificate is given. An alarm was raised"))
    return str(row.certificate)


def certify_waiting() -> int:
    """Certify what was destroyed and has no certificate yet; answers how many.

    One that is refused is left to an officer, one that fails to the next tick.
    """
    rows = Erasure.objects.filter(state=Erasure.State.DESTROYED, certificate="", refused_at=None)
    done = 0
    for row in rows.order_by("ended_at")[:_BATCH]:
        try:
            certify(row, principal=worker(row.controller_id.hex))
        except Conflict:
            continue
        except Exception as error:  # one that cannot be tried, for whatever reason, keeps no other waiting
            logger.exception("erasure.not_certified", erasure=row.pk, error=type(error).__name__)
            continue
        done += 1
    return done


def _sign(row: Erasure, tried: Sequence[Tried], principal: Principal) -> None:
    body = _body(row, tried)
    row.certificate = signing.sign_text(f"{HEADING}\n{json.dumps(body, indent=1, sort_keys=True)}\n")
    row.refused_at = None
    row.save(update_fields=["certificate", "refused_at"])
    _note(AuditType.ERASURE_CERTIFIED, row, principal, {"values": sum(each.values for each in tried)})


def _body(row: Erasure, tried: Sequence[Tried]) -> dict[str, Any]:
    return {
        "asked_by": row.requested_by,
        "controller": row.controller_id.hex,
        "destroyed_at": row.ended_at.isoformat() if row.ended_at else None,
        "deleted": row.removed,
        "keys": row.key_ids,
        "not_covered": list(RESIDUES),
        "opened": 0,
        "reference": row.object_ref,
        "tried": [{"label": each.label, "model": each.model, "values": each.values} for each in tried if each.values],
        "tried_at": timezone.now().isoformat(),
        "tried_columns": len(tried) - 1,  # the last are files
    }


def _alarm(row: Erasure, keys: int, refuted: Sequence[Tried], principal: Principal) -> None:
    row.refused_at, row.certificate = timezone.now(), ""
    row.save(update_fields=["refused_at", "certificate"])
    details = {"keys": keys, "labels": [each.label for each in refuted], "opened": sum(each.opened for each in refuted)}
    _note(AuditType.ERASURE_REFUTED, row, principal, details)


def _note(type_: AuditType, row: Erasure, principal: Principal, details: dict[str, Any]) -> None:
    # By the erasure alone: the person has no pseudonym any more, and the certificate names none.
    audit.record(
        type_,
        actor=principal,
        controller_id=row.controller_id,
        object_ref=row.object_ref or f"erasure:{row.pk.hex}",
        details=details,
    )
