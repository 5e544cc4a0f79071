"""Seal and open of one value against raw AES-256-GCM with associated data, interleaved in one process."""

import os
import statistics
import time
from collections.abc import Callable

from benchmarks.figures import Figure

VALUES = 2_000
ROUNDS = 15


def run() -> list[Figure]:
    """Answer the multiple of the raw cipher that one seal and open costs."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  # the comparison, not the product

    from governance.crypto import envelope  # noqa: PLC0415  # as above

    key, key_id = envelope.new_key(), envelope.new_key_id()
    cipher, raw = envelope.Cipher(key), AESGCM(key)
    place = envelope.Place(controller="c" * 32, label="subject.identifier", scope_kind="subject", scope_id="s" * 32)
    values = [os.urandom(15).hex().encode() for _ in range(VALUES)]
    associated = os.urandom(40)

    def ours() -> None:
        for value in values:
            envelope.decrypt(cipher, key_id, envelope.encrypt(cipher, key_id, value, place), place)

    def theirs() -> None:
        for value in values:
            nonce = os.urandom(12)
            raw.decrypt(nonce, raw.encrypt(nonce, value, associated), associated)

    ratio = statistics.median(_seconds(ours) / _seconds(theirs) for _ in range(ROUNDS))
    return [
        Figure(
            name="vault.seal_open_multiple",
            value=round(ratio, 3),
            unit="x",
            goal="<= 1.7",
            met=ratio <= 1.7,
            compared_with="raw AES-256-GCM with associated data",
            n=VALUES * ROUNDS,
        )
    ]


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
