"""Checkpoints with what witnesses signed below them; it asks nobody and judges no signature."""

from functools import reduce
from operator import or_

from django.db.models import Max, Q

from governance.crypto.errors import NoteRefused
from governance.crypto.notes import signature_of
from governance.models import LedgerCosignature


def note(size: int, signed: str) -> str:
    """Answer a checkpoint's note with the cosignatures that came for this size."""
    rows = LedgerCosignature.objects.filter(size=size).order_by("witness").values_list("lines", flat=True)
    # A witness that moved to another address signed twice with one key, and a doubled key refuses the whole note.
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


def newest_of_each() -> list[LedgerCosignature]:
    """Answer the cosignature of the largest size of every witness."""
    largest = LedgerCosignature.objects.values("witness").annotate(size=Max("size"))
    places = [Q(witness=each["witness"], size=each["size"]) for each in largest]
    return list(LedgerCosignature.objects.filter(reduce(or_, places)).order_by("witness")) if places else []
