"""The transit engine: tokens, namespaces, sealed and odd answers, and where the token may not travel."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from governance.errors import KeyUnavailable, KeyUnknown
from governance.keys.providers import Wrapped
from governance.keys.providers.vault_transit import VaultAccess, VaultProvider

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.parametrize("store", ["vault"], indirect=True)

KEY = bytes(range(32))


def test_the_version_that_wrapped_is_kept_with_the_key(store: Any) -> None:
    assert store.provider().wrap(KEY, ("a",))[0] == "root:v1"
    store.rotate()
    assert store.provider().wrap(KEY, ("a",))[0] == "root:v2"


def test_a_sealed_engine_fails_closed_and_comes_back(store: Any) -> None:
    provider = store.provider()
    wrapped = provider.wrap(KEY, ("a",))
    store.engine.sealed = True
    with pytest.raises(KeyUnavailable):
        provider.unwrap(*wrapped, ("a",))
    store.engine.sealed = False
    assert provider.unwrap(*wrapped, ("a",)) == KEY


def test_a_wait_that_is_longer_than_ours_is_not_begun(store: Any) -> None:
    provider = store.provider()
    provider.wrap(KEY, ("a",))
    store.engine.throttled, store.engine.retry_after = 1000, "3600"
    before = len(store.engine.calls)
    with pytest.raises(KeyUnavailable):
        provider.wrap(KEY, ("a",))
    assert len(store.engine.calls) == before + 1


def test_the_namespace_is_named(store: Any) -> None:
    store.engine.namespace = "team/privacy"
    with pytest.raises(KeyUnavailable):
        store.provider().wrap(KEY, ("a",))
    assert store.provider(namespace="team/privacy").wrap(KEY, ("a",))


def test_the_token_is_renewed_before_it_ends(store: Any) -> None:
    store.engine.lease = 1
    provider = store.provider()
    provider.wrap(KEY, ("a",))
    assert store.engine.calls.count("auth/token/renew-self") == 1
    provider.wrap(KEY, ("a",))
    assert store.engine.calls.count("auth/token/renew-self") == 1  # half of its life is not over
    store.engine.lease = 3600
    provider._token._due = 0.0  # noqa: SLF001  # half a second later
    provider.wrap(KEY, ("a",))
    provider.wrap(KEY, ("a",))
    assert store.engine.calls.count("auth/token/renew-self") == 2


def test_a_token_that_the_agent_replaced_is_read_again(store: Any, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("s.good\n")
    provider = store.provider(token="", token_file=str(file))
    wrapped = provider.wrap(KEY, ("a",))
    store.engine.tokens = {"s.newer"}
    with pytest.raises(KeyUnavailable, match="token"):
        provider.unwrap(*wrapped, ("a",))
    file.write_text("s.newer\n")
    assert provider.unwrap(*wrapped, ("a",)) == KEY


def test_a_batch_is_two_calls(store: Any) -> None:
    provider = store.provider()
    many = [Wrapped(*provider.wrap(KEY, (str(number),)), (str(number),)) for number in range(20)]
    store.rotate()
    before = len(store.engine.calls)
    assert {each.provider_key for each in provider.rewrap(many)} == {"root:v2"}
    assert store.engine.calls[before:] == ["transit/decrypt/root", "transit/encrypt/root"]


def test_the_context_is_sent_and_the_key_id_is_not_enough(store: Any) -> None:
    store.provider().wrap(KEY, ("controller-key", "c" * 32))
    sent = json.loads(store.engine.bodies[-1])
    assert set(sent) == {"plaintext", "associated_data"}


@pytest.mark.parametrize("stored", [b"", b"vault:v1:", b"vault:v0:AAAA", b"vault:v1:../../x", b"\xff" * 60])
def test_what_is_no_ciphertext_is_not_sent(store: Any, stored: bytes) -> None:
    before = len(store.engine.calls)
    with pytest.raises(KeyUnavailable):
        store.provider().unwrap("root:v1", stored, ("a",))
    assert len(store.engine.calls) == before


def test_a_mount_that_is_not_there_is_named(store: Any) -> None:
    with pytest.raises(KeyUnknown, match="mounted"):
        store.provider(mount="secret").wrap(KEY, ("a",))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"address": "http://vault.example:8200"}, "https"),
        ({"address": ""}, "https"),
        ({"address": "ftp://127.0.0.1"}, "https"),
        ({"key": ""}, "GOVERNANCE_VAULT_KEY"),
        ({"token": ""}, "TOKEN"),
        ({"token_file": "/x"}, "either"),
        ({"token": "", "token_file": "/nowhere/token"}, "cannot be read"),
    ],
)
def test_what_is_set_up_wrongly_is_named(store: Any, change: dict[str, str], words: str) -> None:
    access = {"address": store.engine.url, "key": "root", "token": "s.good"} | change
    with pytest.raises(KeyUnavailable, match=words) as refused:
        VaultProvider(VaultAccess(**access)).wrap(KEY, ("a",))
    assert "s.good" not in str(refused.value)


def test_nothing_shows_the_token(store: Any) -> None:
    provider = store.provider()
    assert "s.good" not in repr(provider) + repr(VaultAccess(address="https://x", key="k", token="s.good"))
