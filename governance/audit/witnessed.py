"""Judges what witnesses hold against this ledger and what is kept as theirs; it asks none of them.

A checkpoint is expected to have the quorum of the policy once it is as old as an event may wait for its position.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from itertools import groupby
from typing import Final

from django.db.models import Count, QuerySet

from governance.audit import cosigned, trust
from governance.audit.report import Findings, Kind
from governance.crypto.errors import NoteRefused
from governance.crypto.notes import opened_note
from governance.crypto.policies import NONE, Policy
from governance.crypto.signatures import Verifier
from governance.models import LedgerCheckpoint, LedgerCosignature, WitnessState

_LOOKED_AT: Final = 8


def judge(findings: Findings, size: int) -> None:
    """Name what witnesses hold against this ledger, and what is passed off as theirs."""
    for state in WitnessState.objects.filter(state=WitnessState.State.CONFLICT).order_by("pk"):
        held = state.conflict_size or 0
        # Longer than ours: an older copy was restored. Not longer: somewhere in it the past was rewritten.
        first, last = (size, held - 1) if held > size else (0, max(held - 1, 0))
        findings.add(Kind.WITNESS_CONFLICT, first, last, f"{state.pk} holds a checkpoint of size {held}")
    by_url: dict[str, list[Verifier]] = {}
    for witness in trust.policy().witnesses.values():
        by_url.setdefault(witness.url, []).append(witness.verifier)
    for url, rows_ in groupby(cosigned.newest_of_each(), key=lambda row: row.witness):
        if url in by_url:  # of a witness that left the policy nobody here has the key to judge it
            _judge_cosignatures(findings, list(rows_), by_url[url])


def _judge_cosignatures(findings: Findings, held: Sequence[LedgerCosignature], known: Sequence[Verifier]) -> None:
    """Judge those of one witness at its largest size; beside what its keys signed, what old keys did is passed over."""
    note = LedgerCheckpoint.objects.filter(size=held[0].size).values_list("note", flat=True).first() or ""
    claimed = [row for row in held if cosigned.is_by(row.lines, known)]
    for row in claimed or held:
        try:
            opened_note(note + row.lines, known)
        except NoteRefused:
            findings.add(Kind.COSIGNATURE_FORGED, row.size - 1, detail=f"of {row.witness} at size {row.size}")


def lacking(size: int, until: datetime) -> int | None:
    """Answer the size of the newest checkpoint from before an instant, unless it or a later one has the quorum."""
    policy = trust.policy()
    due = LedgerCheckpoint.objects.filter(size__lte=size, created_at__lt=until).order_by("-size").first()
    if due is None or policy.quorum == NONE:
        return None
    signed = LedgerCosignature.objects.filter(size__gte=due.size).values("size")
    return due.size if _with_quorum(policy, LedgerCheckpoint.objects.filter(size__in=signed)) is None else None


def head_over(position: int) -> LedgerCheckpoint | None:
    """Answer the newest checkpoint over a position that has the quorum; None where no policy asks for one, or none has.

    Of those that a witness signed only a few are looked at: who waits for a receipt does not wait for all of them.
    """
    policy = trust.policy()
    if policy.quorum == NONE:
        return None
    signed = LedgerCosignature.objects.filter(size__gt=position).values("size")
    counted = signed.annotate(witnesses=Count("witness", distinct=True))
    # While one of several witnesses is away, the newest have too few: then the newest of those that most signed.
    for order in (("-size",), ("-witnesses", "-size")):
        sizes = [row["size"] for row in counted.order_by(*order)[:_LOOKED_AT]]
        if head := _with_quorum(policy, LedgerCheckpoint.objects.filter(size__in=sizes)):
            return head
    return None


def _with_quorum(policy: Policy, heads: QuerySet[LedgerCheckpoint]) -> LedgerCheckpoint | None:
    for head in heads.order_by("-size"):
        with suppress(NoteRefused):
            policy.open(cosigned.note(head.size, head.note))
            return head
    return None
