"""What we write to the person who asked: short, dated, with one link; never what we hold about them."""

from dsar.letters.letter import Letter
from dsar.letters.texts import (
    Rest,
    access_ready,
    acknowledged,
    erasure_done,
    erasure_withheld,
    extended,
    lapsed,
    merged,
    not_found,
    question,
    received,
    refused,
    withdrawn,
)

__all__ = [
    "Letter",
    "Rest",
    "access_ready",
    "acknowledged",
    "erasure_done",
    "erasure_withheld",
    "extended",
    "lapsed",
    "merged",
    "not_found",
    "question",
    "received",
    "refused",
    "withdrawn",
]
