"""Submits checkpoints to the witnesses of the policy (C2SP tlog-witness), keeps what they sign, trusts no answer.

The row of a witness is the queue: whatever happens on the way, the next run goes on from the size that it cosigned
last. No transaction is open while anybody is asked.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

import structlog
import urllib3
from django.db import transaction
from django.utils import timezone

from governance import ledger
from governance.audit import cosigned, lease, proving, trust
from governance.crypto.encoding import from_decimal
from governance.crypto.errors import NoteRefused
from governance.crypto.notes import opened_note, signature_of
from governance.crypto.signatures import Verifier
from governance.errors import LedgerBroken
from governance.ledger import LedgerEvent
from governance.models import LedgerCheckpoint, LedgerCosignature, WitnessState
from governance.policy.vocabulary import AuditType

logger = structlog.get_logger(__name__)

_PERIOD = timedelta(seconds=90)
_TIMEOUT = urllib3.Timeout(connect=3, read=10)
_LARGEST_ANSWER = 100_000
_LONGEST_WAIT = timedelta(minutes=10)
#: Rounds of one submission: the size that the witness names, once more if another worker was quicker.
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a witness said: its new state, the size it is at, and its lines if it cosigned."""

    state: str
    size: int = 0
    lines: str = ""
    problem: str = field(default="", compare=False)


def submit_due() -> int:
    """Submit the newest checkpoint to every witness that lacks it and is due; answers how many cosigned it."""
    witnesses: dict[str, list[Verifier]] = {}
    for witness in trust.policy().witnesses.values():
        if witness.url:
            witnesses.setdefault(witness.url, []).append(witness.verifier)
    head = proving.latest_checkpoint() if witnesses else None
    if head is None:
        return 0
    return sum(_submit_once(url, verifiers, head) for url, verifiers in witnesses.items())


def _submit_once(url: str, verifiers: list[Verifier], head: LedgerCheckpoint) -> bool:
    instant = timezone.now()
    row, _ = WitnessState.objects.get_or_create(url=url)
    if _is_done(row, verifiers, head) or (row.next_at is not None and row.next_at > instant):
        return False
    name = f"witness.{sha256(url.encode()).hexdigest()[:32]}"
    fence = lease.acquire(name, period=_PERIOD, instant=instant)
    if fence is None:
        return False
    try:
        # Read under the lease, the row first: a worker that was slow would take what another reached for a conflict.
        row.refresh_from_db()
        head = proving.latest_checkpoint() or head
        if _is_done(row, verifiers, head):
            return False
        answer = _ask(url, verifiers, head, row.size)
        return _keep(row, answer, head, name, fence)
    finally:
        lease.release(name, fence)


def _is_done(row: WitnessState, verifiers: list[Verifier], head: LedgerCheckpoint) -> bool:
    """Whether it cosigned this head with a key of the policy. With new keys it is asked again, for the same head."""
    is_there = row.state == WitnessState.State.COSIGNED and row.size == head.size
    return is_there and cosigned.is_held(row.url, row.size, verifiers)


def _ask(url: str, verifiers: list[Verifier], head: LedgerCheckpoint, old: int) -> _Answer:
    """Submit, and once more from the size that the witness names; never raises for what a witness does."""
    with urllib3.PoolManager(timeout=_TIMEOUT, retries=False) as pool:
        for _ in range(_ROUNDS):
            if old > head.size:
                return _Answer(WitnessState.State.CONFLICT, old)
            try:
                status, data = _post(pool, f"{url.rstrip('/')}/add-checkpoint", _body(head, old))
            except (urllib3.exceptions.HTTPError, LedgerBroken) as error:
                return _Answer(WitnessState.State.UNREACHABLE, problem=type(error).__name__)
            held = _held(data) if status == 409 else None
            if status == 409 and (held == old or (held is None and old == head.size)):
                # It stands where we said, and still there is a conflict: two roots of one size. A size of its own it
                # must name only where it stands elsewhere (C2SP tlog-witness).
                return _Answer(WitnessState.State.CONFLICT, old)
            if held is None:
                return _judged(status, data, verifiers, head, old)
            old = held
    return _Answer(WitnessState.State.UNREACHABLE, problem="its size changed with every answer")


def _post(pool: urllib3.PoolManager, url: str, body: bytes) -> tuple[int, str]:
    """Answer status and text. No more is read than a witness has to say: what it sends must not fill our memory."""
    answer = pool.request("POST", url, body=body, redirect=False, preload_content=False)
    try:
        return answer.status, answer.read(_LARGEST_ANSWER, decode_content=False).decode(errors="replace")
    finally:
        answer.close()


def _held(data: str) -> int | None:
    try:
        return from_decimal(data.removesuffix("\n"))
    except NoteRefused:
        return None


def _body(head: LedgerCheckpoint, old: int) -> bytes:
    proof = proving.ConsistencyProof(old, head.size, tuple(proving.extension(old, head.size)))
    return "".join([f"old {old}\n", *(f"{line}\n" for line in proof.lines), "\n", head.note]).encode()


def _judged(status: int, data: str, verifiers: list[Verifier], head: LedgerCheckpoint, old: int) -> _Answer:
    if status == 422:
        return _Answer(WitnessState.State.CONFLICT, old)
    if status >= 500:
        return _Answer(WitnessState.State.UNREACHABLE, problem=str(status))
    if status != 200:
        return _Answer(WitnessState.State.REFUSED, problem=str(status))
    try:
        signed = [signature_of(line) for line in data.removesuffix("\n").split("\n")]
        known = {(verifier.name, verifier.key_hash) for verifier in verifiers}
        # What it signed with keys that nobody here knows is not kept: it would ride along in every receipt.
        lines = "".join(f"{each.line}\n" for each in signed if (each.name, each.key_hash) in known)
        opened_note(head.note + lines, verifiers)
    except NoteRefused as refused:
        return _Answer(WitnessState.State.REFUSED, problem=str(refused))
    return _Answer(WitnessState.State.COSIGNED, head.size, lines)


@transaction.atomic(durable=True)
def _keep(row: WitnessState, answer: _Answer, head: LedgerCheckpoint, name: str, fence: int) -> bool:
    if not lease.confirm(name, fence):
        return False
    was, instant = row.state, timezone.now()
    row.state, row.asked_at, row.next_at = answer.state, instant, None
    is_cosigned = answer.state == WitnessState.State.COSIGNED
    if is_cosigned:
        row.size, row.conflict_size, row.failures = answer.size, None, 0
        LedgerCosignature.objects.bulk_create(
            [
                LedgerCosignature(
                    size=head.size,
                    witness=row.url,
                    lines=answer.lines,
                    keys=cosigned.keys_of(answer.lines),
                    created_at=instant,
                )
            ],
            ignore_conflicts=True,
        )
    else:
        row.failures += 1
        row.next_at = _next(instant, row.failures)
        logger.warning("witness.failed", state=answer.state, reason=answer.problem, failures=row.failures)
    if answer.state == WitnessState.State.CONFLICT:
        row.conflict_size = answer.size
        if was != WitnessState.State.CONFLICT:
            _record(row, head)
    row.save()
    return is_cosigned


def _next(instant: datetime, failures: int) -> datetime:
    return instant + min(_LONGEST_WAIT, timedelta(seconds=2 ** min(failures, 12)))


def _record(row: WitnessState, head: LedgerCheckpoint) -> None:
    event = LedgerEvent(
        type=AuditType.WITNESS_CONFLICT,
        actor_ref="worker:witnesses",
        object_ref=f"witness:{sha256(row.url.encode()).hexdigest()[:32]}",
        details={"held": row.conflict_size, "size": head.size},
    )
    ledger.append(event)
