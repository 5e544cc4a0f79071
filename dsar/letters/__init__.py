"""What we write to the person who asked: short, dated, with one link; never what we hold about them."""

from dsar.letters.letter import Letter
from dsar.letters.texts import (
    access_ready,
    erasure_done,
    extended,
    lapsed,
    not_found,
    received,
    refused,
    withdrawn,
)

__all__ = [
    "Letter",
    "access_ready",
    "erasure_done",
    "extended",
    "lapsed",
    "not_found",
    "received",
    "refused",
    "withdrawn",
]
