"""One suite for every key store: what opens, what does not, what passes, and that all of it ends in a bounded time."""

from __future__ import annotations

import os
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.errors import KeyRetired, KeySuspended, KeyUnavailable, KeyUnknown
from governance.keys.providers import Wrapped
from tests.governance.keys.providers.stores import SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from governance.keys.providers import Provider

ALL = ["local", "env", "vault", "kms", "pkcs11"]
FILES = ["local", "env"]
REMOTE = ["vault", "kms"]
KEPT_ELSEWHERE = [*REMOTE, "pkcs11"]

CONTEXT = ("controller-key", "c" * 32, "1", "k" * 16)
KEY = bytes(range(32))


def on(*names: str) -> Any:
    return pytest.mark.parametrize("store", names, indirect=True)


def opened(provider: Provider, wrapped: tuple[str, bytes], context: tuple[str, ...] = CONTEXT) -> bytes:
    return provider.unwrap(*wrapped, context)


@on(*ALL)
@pytest.mark.parametrize("length", [32, 64])
def test_what_was_wrapped_opens_and_shows_nothing(store: Any, length: int) -> None:
    key = os.urandom(length)
    provider_key, blob = store.provider().wrap(key, CONTEXT)
    assert opened(store.provider(), (provider_key, blob)) == key
    assert key not in blob
    assert 0 < len(provider_key) <= 128  # what the column holds
    assert store.provider().wrap(key, CONTEXT)[1] != blob


@on(*ALL)
@pytest.mark.parametrize(
    "context",
    [
        (),
        CONTEXT[:-1],
        (*CONTEXT, ""),
        ("controller-key", "d" * 32, "1", "k" * 16),
        ("controller-key" + "c" * 32, "", "1", "k" * 16),
        (CONTEXT[1], CONTEXT[0], *CONTEXT[2:]),
    ],
)
def test_it_opens_for_its_own_context_alone(store: Any, context: tuple[str, ...]) -> None:
    provider = store.provider()
    wrapped = provider.wrap(KEY, CONTEXT)
    with pytest.raises(KeyUnavailable):
        opened(provider, wrapped, context)
    assert opened(provider, wrapped) == KEY


@on(*ALL)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(place=st.integers(0, 10_000), change=st.integers(1, 255), cut=st.booleans())
def test_a_changed_or_shortened_blob_is_refused(store: Any, place: int, change: int, cut: bool) -> None:
    provider = vars(store).get("shared") or store.provider()
    store.shared = provider
    provider_key, blob = provider.wrap(KEY, CONTEXT)
    at = place % len(blob)
    changed = blob[:at] if cut else blob[:at] + bytes([blob[at] ^ change]) + blob[at + 1 :]
    try:
        found = opened(provider, (provider_key, changed))
    except KeyUnavailable:
        return
    # The last letters of base64 have spare bits: another spelling of the very same bytes may open, to the same key.
    assert (store.__class__.__name__, found) == ("TransitStore", KEY)


@on(*ALL)
@pytest.mark.parametrize(
    "name", ["", "0" * 16, "root:v9", "other:v1", "label:other", "arn:aws:kms:eu-central-1:1:key/x"]
)
def test_a_key_that_is_not_there_opens_nothing(store: Any, name: str) -> None:
    provider = store.provider()
    _provider_key, blob = provider.wrap(KEY, CONTEXT)
    if name == "root:v9" and blob.startswith(b"vault:v1:"):
        blob = blob.replace(b"vault:v1:", b"vault:v9:")  # there the version is part of the blob
    with pytest.raises(KeyUnavailable):
        opened(provider, (name, blob))


@on(*ALL)
def test_after_a_rotation_the_old_opens_and_the_new_wraps(store: Any) -> None:
    old = store.provider().wrap(KEY, CONTEXT)
    store.rotate()
    provider = store.provider()
    new = provider.wrap(KEY, CONTEXT)
    assert new[0] != old[0]
    assert opened(provider, old) == opened(provider, new) == KEY


@on(*ALL)
def test_a_batch_is_wrapped_anew_in_its_order(store: Any) -> None:
    keys = {("data", str(number)): os.urandom(32) for number in range(7)}
    provider = store.provider()
    before = [Wrapped(*provider.wrap(key, context), context) for context, key in keys.items()]
    store.rotate()
    provider = store.provider()
    after = provider.rewrap(before)
    current = provider.wrap(KEY, CONTEXT)[0]
    assert {each.provider_key for each in after} == {current}
    assert {each.context: opened(provider, (each.provider_key, each.blob), each.context) for each in after} == keys
    assert provider.rewrap([]) == []


@on(*ALL)
def test_one_bad_key_fails_its_batch(store: Any) -> None:
    provider = store.provider()
    good = [Wrapped(*provider.wrap(KEY, (name,)), (name,)) for name in "ab"]
    with pytest.raises(KeyUnavailable):
        provider.rewrap([good[0], Wrapped(good[1].provider_key, good[1].blob, ("c",))])


@on("local", "env", "vault")
def test_a_retired_version_opens_nothing_and_says_so(store: Any) -> None:
    old = store.provider().wrap(KEY, CONTEXT)
    store.rotate()
    store.retire_old()
    with pytest.raises(KeyRetired):
        opened(store.provider(), old)
    assert opened(store.provider(), store.provider().wrap(KEY, CONTEXT)) == KEY


@on(*KEPT_ELSEWHERE)
def test_a_disabled_key_does_nothing_and_says_so(store: Any) -> None:
    provider = store.provider()
    wrapped = provider.wrap(KEY, CONTEXT)
    store.disable()
    with pytest.raises(KeySuspended):
        opened(provider, wrapped)
    with pytest.raises(KeySuspended):
        provider.wrap(KEY, CONTEXT)


@on("kms")
def test_a_key_that_waits_for_its_deletion_does_nothing(store: Any) -> None:
    provider = store.provider()
    wrapped = provider.wrap(KEY, CONTEXT)
    store.delete_soon()
    with pytest.raises(KeySuspended):
        opened(provider, wrapped)


@on(*KEPT_ELSEWHERE)
def test_a_destroyed_key_is_unknown(store: Any) -> None:
    provider = store.provider()
    wrapped = provider.wrap(KEY, CONTEXT)
    store.destroy()
    with pytest.raises(KeyUnknown):
        opened(provider, wrapped)
    with pytest.raises(KeyUnknown):
        provider.wrap(KEY, CONTEXT)


@on(*FILES)
def test_a_line_that_was_removed_is_unknown(store: Any) -> None:
    old = store.provider().wrap(KEY, CONTEXT)
    store.rotate()
    store.destroy_old()
    with pytest.raises(KeyUnknown):
        opened(store.provider(), old)


@on(*REMOTE)
def test_a_refusal_is_not_tried_again(store: Any) -> None:
    provider = store.provider()
    wrapped = provider.wrap(KEY, CONTEXT)
    store.forbid()
    began = time.monotonic()
    with pytest.raises(KeyUnavailable, match=r"may not use|refuses"):
        opened(provider, wrapped)
    assert time.monotonic() - began < SECONDS / 2


@on(*KEPT_ELSEWHERE)
def test_wrong_credentials_are_named_and_not_shown(store: Any) -> None:
    with pytest.raises(KeyUnavailable, match=r"token|credentials|PIN") as refused:
        store.stranger().wrap(KEY, CONTEXT)
    assert not {"s.nobody", "0000", "AKIA"} & set(str(refused.value).split())


@on(*REMOTE)
def test_throttling_is_waited_out(store: Any) -> None:
    provider = store.provider()
    store.throttle(2)
    assert opened(provider, provider.wrap(KEY, CONTEXT)) == KEY


@on(*REMOTE)
def test_throttling_that_lasts_fails_closed_in_time(store: Any) -> None:
    provider = store.provider()
    store.throttle(1000)
    _fails_in_time(lambda: provider.wrap(KEY, CONTEXT))
    store.recover()
    assert opened(provider, provider.wrap(KEY, CONTEXT)) == KEY


@on(*REMOTE)
def test_a_store_that_hangs_fails_closed_in_time(store: Any) -> None:
    provider = store.provider()
    wrapped = provider.wrap(KEY, CONTEXT)
    store.hang()
    _fails_in_time(lambda: opened(provider, wrapped))
    store.recover()
    assert opened(provider, wrapped) == KEY


@on(*ALL)
def test_many_threads_at_once(store: Any) -> None:
    provider = store.provider()
    barrier = threading.Barrier(6)

    def work(number: int) -> bool:
        barrier.wait(10)
        context = (str(number),)
        return all(opened(provider, provider.wrap(KEY, context), context) == KEY for _round in range(5))

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(work, range(6)))


@on(*ALL)
def test_a_forked_child_opens_what_its_parent_wrapped(store: Any) -> None:
    """The child calls with the parent's object, which a pre-forking server does when it loads the code first."""
    provider = store.provider()
    wrapped = provider.wrap(KEY, CONTEXT)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12: threads of the store in this very process
        child = os.fork()
    if child == 0:
        try:
            status = (
                0 if opened(provider, wrapped) == KEY and opened(provider, provider.wrap(KEY, ()), ()) == KEY else 1
            )
        except BaseException:  # noqa: BLE001  # whatever it was, the parent is told by the status
            status = 2
        os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert opened(provider, wrapped) == KEY  # and the parent's session is as it was


def _fails_in_time(call: Callable[[], object]) -> None:
    began = time.monotonic()
    with pytest.raises(KeyUnavailable):
        call()
    assert time.monotonic() - began < 2 * SECONDS
