"""Seal and open of one value against raw AES-256-GCM with associated data, interleaved in one process.

Ours includes all that the vault does with bytes: header, fresh nonce, place and label bound into the associated data,
the key found by the id in the envelope, every check of the header. Not policy, audit and queries: they are a call's
cost, not a value's. Theirs draws a fresh nonce and binds as many bytes. Both are timed by the processor time of this
thread, system calls included, so that what else runs on the machine weighs on neither.
"""

import gc
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks.figures import Figure

VALUES = 2_000
ROUNDS = 41
LABEL = "subject.identifier"
GOAL = 1.7


def run() -> list[Figure]:
    """Answer the multiples of the raw cipher that one seal and open costs, by suite and over many people."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  # the comparison, not the product

    from governance.crypto.ciphers import Cipher, ExtendedCipher  # noqa: PLC0415  # imported when it runs
    from governance.crypto.xaes import XAESGCM  # noqa: PLC0415  # as above

    values = [os.urandom(15).hex().encode() for _ in range(VALUES)]
    works = {
        "raw": _raw(values, AESGCM, keys=1),
        "raw, many keys": _raw(values, AESGCM, keys=VALUES),
        "raw, long nonce": _raw(values, XAESGCM, keys=1),
        "ours": _ours(values, Cipher, keys=1),
        "ours, many keys": _ours(values, Cipher, keys=VALUES),
        "ours, long nonce": _ours(values, ExtendedCipher, keys=1),
    }
    times = _interleaved(works)
    pairs = [
        ("vault.seal_open_multiple", "", "raw AES-256-GCM with associated data"),
        ("vault.seal_open_many_people_multiple", ", many keys", "raw AES-256-GCM, a key for each value"),
        ("vault.seal_open_controller_key_multiple", ", long nonce", "bare XAES-256-GCM"),
    ]
    return [_figure(name, times[f"ours{which}"], times[f"raw{which}"], against) for name, which, against in pairs]


def _ours(values: list[bytes], kind: type, *, keys: int) -> Callable[[], None]:
    from governance.crypto.envelope import OwnedCipher, new_key, new_key_id  # noqa: PLC0415  # as above

    ids = [new_key_id() for _ in range(keys)]
    owners = {
        each: OwnedCipher(kind(new_key()), each, controller="c" * 32, scope_kind="subject", scope_id="s" * 32)
        for each in ids
    }
    ids *= len(values) // keys

    def work() -> None:
        for key_id, value in zip(ids, values, strict=True):
            envelope = owners[key_id].encrypt(value, LABEL)
            assert owners[envelope[4:12]].decrypt(envelope, LABEL) == value

    return work


def _raw(values: list[bytes], kind: Callable[[bytes], Any], *, keys: int) -> Callable[[], None]:
    ciphers = [kind(os.urandom(32)) for _ in range(keys)] * (len(values) // keys)
    associated = os.urandom(122)  # as many bytes as ours binds
    length = 24 if kind.__name__ == "XAESGCM" else 12

    def work() -> None:
        for cipher, value in zip(ciphers, values, strict=True):
            nonce = os.urandom(length)
            assert cipher.decrypt(nonce, cipher.encrypt(nonce, value, associated), associated) == value

    return work


def _interleaved(works: dict[str, Callable[[], None]]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work()
    gc.disable()
    try:
        for _ in range(ROUNDS):
            for name, work in works.items():
                began = time.thread_time()
                work()
                times[name].append(time.thread_time() - began)
    finally:
        gc.enable()
    return times


def _figure(name: str, ours: list[float], theirs: list[float], against: str) -> Figure:
    ratio = statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))
    return Figure(
        name=name,
        value=round(ratio, 3),
        unit="x",
        goal=f"<= {GOAL}",
        met=ratio <= GOAL,
        compared_with=against,
        n=VALUES * ROUNDS,
    )
