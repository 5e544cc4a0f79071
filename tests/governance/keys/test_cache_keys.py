"""Names in the cache: keyed digests, which tell apart what differs and show nothing of it."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from django.core.cache import cache

from governance.keys import cache_keys

if TYPE_CHECKING:
    import pytest


def test_a_name_shows_nothing_and_no_plain_digest_of_it() -> None:
    name = "login:officer@staff.example:192.0.2.7"
    stored = cache.make_key(name)
    assert stored == cache_keys.digest(name, "", 1)
    assert len(stored) == 64
    assert stored != sha256(f":1:{name}".encode()).hexdigest()


def test_names_prefixes_and_versions_are_told_apart() -> None:
    assert (
        len({cache_keys.digest(key, prefix, version) for key in "ab" for prefix in ("", "p") for version in (1, 2)})
        == 8
    )


def test_another_key_file_gives_other_names(monkeypatch: pytest.MonkeyPatch) -> None:
    from governance.keys import index_keys

    class Other:
        def index_root(self) -> bytes:
            return b"\x07" * 32

    before = cache_keys.digest("a", "", 1)
    monkeypatch.setattr(index_keys, "provider", Other)
    assert cache_keys.digest("a", "", 1) != before
