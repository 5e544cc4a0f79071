"""Checkpoints with what witnesses signed below them; it asks nobody and judges no signature."""

from collections.abc import Iterable
from functools import reduce
from operator import or_

from django.db.models import Max, Q

from governance.crypto.errors import NoteRefused
from governance.crypto.notes import signature_of
from governance.crypto.signatures import Verifier
from governance.models import LedgerCosignature


def note(size: int, signed: str) -> str:
    """Answer a checkpoint's note with the cosignatures that came for this size."""
    rows = LedgerCosignature.objects.filter(size=size).order_by("witness").values_list("lines", flat=True)
    # A witness that moved to another address signed twice with one key, and other verifiers may refuse a doubled key.
    lines: dict[object, str] = {}
    for line in "".join(rows).splitlines():
        lines.setdefault(_key(line), f"{line}\n")
    return signed + "".join(lines.values())


def _key(line: str) -> object:
    try:
        read = signature_of(line)
    except NoteRefused:
        return line
    return read.name, read.key_hash


def keys_of(lines: str) -> str:
    """Answer which keys signed these lines, as one short text; raises NoteRefused for what is no signature line."""
    return ",".join(sorted({signature_of(line).key_hash.hex() for line in lines.splitlines()}))[:64]


def is_by(lines: str, verifiers: Iterable[Verifier]) -> bool:
    """Whether a line claims to be by one of these; whether it is, only opening the note tells."""
    known = {(verifier.name, verifier.key_hash) for verifier in verifiers}
    return any(_key(line) in known for line in lines.splitlines())


def is_held(witness: str, size: int, verifiers: Iterable[Verifier]) -> bool:
    """Whether there is a cosignature of this witness for this size that one of these keys claims to have made."""
    known = list(verifiers)
    rows = LedgerCosignature.objects.filter(witness=witness, size=size).values_list("lines", flat=True)
    return any(is_by(lines, known) for lines in rows)


def newest_of_each() -> list[LedgerCosignature]:
    """Answer the cosignatures of the largest size of every witness: one, or more where its keys changed there."""
    largest = LedgerCosignature.objects.values("witness").annotate(size=Max("size"))
    places = [Q(witness=each["witness"], size=each["size"]) for each in largest]
    return list(LedgerCosignature.objects.filter(reduce(or_, places)).order_by("witness", "pk")) if places else []
