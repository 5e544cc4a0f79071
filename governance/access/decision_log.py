"""Counts plain decisions and keeps a bounded sample of them, away from the door: it must not cost a check a statement.

Each process counts in memory. A thread of its own writes what has gathered every GOVERNANCE_DECISION_FLUSH_SECONDS, and
a process that ends in order writes once more. A process that is killed loses the counts and samples since the last
writing, and nothing else: what must not be lost stands in the ledger.
"""

import atexit
import os
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from multiprocessing import util
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connections, transaction
from django.db.models import F, Max
from django.utils import timezone

from governance.access.facts import Handle
from governance.access.rulesets import Ruleset
from governance.keys import index_keys
from governance.models import DataSubject, DecisionCount, DecisionSample, RulesetRecord
from governance.policy.decide import Decision, PurposeRule, Question, SubjectFacts
from governance.policy.fingerprint import fingerprint
from governance.policy.principal import Principal

logger = structlog.get_logger(__name__)

#: A process that cannot write keeps so many samples and forgets further ones; counts are few by their nature.
_MOST_WAITING = 1_000
#: The one is an event of the ledger, the other an error in the log; an unknown purpose is text of the caller's.
_NOT_SAMPLED = frozenset({"CLIENT_NOT_AUTHORISED", "PURPOSE_UNKNOWN", "RULE_ERROR"})
_SIGNALS = frozenset({"gpc", "gpp", "tcf"})


class Tallied(NamedTuple):
    """What is counted together."""

    controller: UUID
    day: date
    purpose: str
    outcome: str


@dataclass(frozen=True, slots=True, repr=False)
class Made:
    """One decision with all it was made from; the identifier only as the value of its blind index."""

    controller: UUID
    principal: Principal
    question: Question
    handle: Handle
    ruleset: Ruleset
    subject: SubjectFacts | None
    decision: Decision
    instant: datetime


class _Tally:
    """What this process has counted and not written yet."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.counts: Counter[Tallied] = Counter()
        self.samples: list[Made] = []
        self.thread: threading.Thread | None = None
        # A random start, so that processes that live briefly do not all keep their first decision.
        self.turn = int.from_bytes(os.urandom(4), "big")

    def add(self, counts: Mapping[Tallied, int], number: int) -> range:
        """Count so many decisions; answer which of them are to be kept."""
        every = settings.GOVERNANCE_DECISION_SAMPLE
        with self.lock:
            self.counts.update(counts)
            first, self.turn = every - 1 - self.turn % every, self.turn + number
        return range(first, number, every)

    def keep(self, made: Iterable[Made]) -> None:
        with self.lock:
            self.samples = [*self.samples, *made][:_MOST_WAITING]

    def take(self) -> tuple[Counter[Tallied], list[Made]]:
        with self.lock:
            taken = self.counts, self.samples
            self.counts, self.samples = Counter(), []
        return taken

    def give_back(self, counts: Counter[Tallied], samples: list[Made]) -> None:
        with self.lock:
            self.counts.update(counts)
            self.samples = (samples + self.samples)[:_MOST_WAITING]


_tally = _Tally()


def note(  # what one call decided, column by column: a batch is a thousand rows
    controller: UUID,
    principal: Principal,
    ruleset: Ruleset,
    instant: datetime,
    asked: Sequence[tuple[Question, Handle, Decision]],
    subjects: Mapping[Handle, SubjectFacts],
) -> None:
    """Count these decisions, and keep some of them. No statement is sent here."""
    known = ruleset.purposes
    met = Counter((each.purpose if each.purpose in known else "", made.outcome.value) for each, _handle, made in asked)
    day = instant.date()
    counts = {Tallied(controller, day, *each): count for each, count in met.items()}
    kept = [asked[position] for position in _tally.add(counts, len(asked))]
    if kept:
        _tally.keep(
            Made(controller, principal, question, handle, ruleset, subjects.get(handle), decision, instant)
            for question, handle, decision in kept
        )
    if settings.GOVERNANCE_DECISION_FLUSH_SECONDS and _tally.thread is None:
        _start()


def flush() -> int:
    """Write what this process has gathered, in one transaction; answers how many samples. On an error it is kept."""
    counts, samples = _tally.take()
    if not counts:
        return 0
    try:
        with transaction.atomic():
            for tallied, count in sorted(counts.items()):
                _count(tallied, count)
            written = _store(_without_erased([made for made in samples if _is_plain(made)]))
    except Exception:  # whatever it was, a key that is not there for a moment too: what was counted is kept
        _tally.give_back(counts, samples)
        raise
    return written


def trim() -> int:
    """Keep the ring a ring: delete samples that are too old or too many, and rules that none of them needs."""
    old = timezone.now() - timedelta(days=settings.GOVERNANCE_DECISION_LOG_DAYS)
    gone = DecisionSample.objects.filter(decided_at__lt=old).delete()[0]
    newest = DecisionSample.objects.aggregate(newest=Max("pk"))["newest"] or 0
    gone += DecisionSample.objects.filter(pk__lte=newest - settings.GOVERNANCE_DECISION_LOG_ROWS).delete()[0]
    if gone:
        RulesetRecord.objects.filter(samples=None, created_at__lt=old).delete()
    return gone


def forget(subject: DataSubject) -> None:
    """Delete the samples about a person who is erased; called in the transaction that erases them."""
    DecisionSample.objects.filter(subject_id=subject.pk).delete()


def answer_digest(decision: Decision) -> str:
    """Name an answer by all it says; two answers that differ anywhere have different names."""
    return fingerprint(asdict(decision))


def _is_plain(made: Made) -> bool:
    """Whether the question holds our own codes only: what a caller typed freely could be a name."""
    question, purpose = made.question, made.ruleset.purposes.get(made.question.purpose)
    if purpose is None or _NOT_SAMPLED.intersection(made.decision.reasons):
        return False
    return (
        question.as_of is None
        and question.channel in {"", *purpose.channels}
        and set(question.fields) <= set(purpose.data_categories)
        and question.signals <= _SIGNALS
    )


def _count(tallied: Tallied, count: int) -> None:
    row, is_new = DecisionCount.objects.get_or_create(
        controller_id=tallied.controller,
        day=tallied.day,
        purpose=tallied.purpose,
        outcome=tallied.outcome,
        defaults={"count": count},
    )
    if not is_new:
        DecisionCount.objects.filter(pk=row.pk).update(count=F("count") + count)


def _without_erased(samples: list[Made]) -> list[Made]:
    """Leave out people erased since they were asked about; the lock keeps an erasure from passing this writing by."""
    people = {made.subject.id for made in samples if made.subject is not None}
    standing = DataSubject.objects.select_for_update().filter(pk__in=people).order_by("pk")
    kept = set(standing.exclude(status=DataSubject.Status.ERASED).values_list("pk", flat=True)) if people else set()
    return [made for made in samples if made.subject is None or made.subject.id in kept]


def _store(samples: Sequence[Made]) -> int:
    rulesets = {made.ruleset.fingerprint: made for made in samples}
    records = {name: _record(made) for name, made in rulesets.items()}
    rows = [_sample(made, records[made.ruleset.fingerprint]) for made in samples]
    return len(DecisionSample.objects.bulk_create(rows))


def _record(made: Made) -> RulesetRecord:
    purposes = {key: _plain(rule) for key, rule in made.ruleset.purposes.items()}
    row, _made = RulesetRecord.objects.get_or_create(
        controller_id=made.controller,
        fingerprint=made.ruleset.fingerprint,
        defaults={"version": made.ruleset.version, "purposes": purposes, "created_at": timezone.now()},
    )
    return row


def _plain(rule: PurposeRule) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, UUID) else value for name, value in asdict(rule).items()}


def _sample(made: Made, record: RulesetRecord) -> DecisionSample:
    question, subject = made.question, made.subject
    codes = {
        "identifier_type": question.identifier_type,
        "purpose": question.purpose,
        "channel": question.channel,
        "operation": question.operation.value,
        "message_class": question.message_class.value,
        "fields": list(question.fields),
        "signals": sorted(question.signals),
    }
    asked = fingerprint([codes, made.handle[0], made.handle[1].hex()]).encode()
    return DecisionSample(
        controller_id=made.controller,
        decided_at=made.instant,
        principal_ref=made.principal.ref,
        subject_id=subject.id if subject else None,
        standing=subject.status if subject else "",
        restricted_at=subject.restricted_at if subject else None,
        question=codes,
        question_digest=index_keys.digest("decision-log", asked)[:16].hex(),
        ruleset=record,
        outcome=made.decision.outcome.value,
        reasons=list(made.decision.reasons),
        answer_digest=answer_digest(made.decision),
    )


def _start() -> None:
    with _tally.lock:
        if _tally.thread is not None:
            return
        _tally.thread = threading.Thread(target=_run, name="decision-log", daemon=True)
    # A process of a pool ends without atexit; this is run in both cases, and writing twice writes nothing.
    util.Finalize(None, _last, exitpriority=10)
    atexit.register(_last)
    _tally.thread.start()


def _run() -> None:
    pause = threading.Event()
    while not pause.wait(settings.GOVERNANCE_DECISION_FLUSH_SECONDS):
        _last()


def _last() -> None:
    try:
        flush()
    except Exception as error:  # noqa: BLE001  # the next writing tries again; the door must go on answering
        logger.warning("decision_log.kept", error=type(error).__name__)
    finally:
        connections.close_all()


def _forget_parent() -> None:
    """A forked process has the counts of its parent, which will write them, and no thread."""
    global _tally  # noqa: PLW0603  # one tally a process
    _tally = _Tally()


os.register_at_fork(after_in_child=_forget_parent)
