"""Where a call comes from: one subscriber is one source, and a header nobody was told to believe is not believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import RequestFactory

from governance.console.origin import source_of

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings


@pytest.mark.parametrize(
    ("remote", "source"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("", "unknown"),
        ("nonsense", "unknown"),
    ],
)
def test_the_source_of_a_call(remote: str, source: str) -> None:
    request = RequestFactory().get("/privacy/", REMOTE_ADDR=remote, headers={"X-Forwarded-For": "203.0.113.9"})
    assert source_of(request) == source


@pytest.mark.parametrize(
    ("forwarded", "source"), [("198.51.100.1, 203.0.113.9", "203.0.113.9"), ("203.0.113.9", "203.0.113.9")]
)
def test_a_trusted_proxy_is_believed_and_no_further(settings: Settings, forwarded: str, source: str) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    request = RequestFactory().get("/privacy/", REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": forwarded})
    assert source_of(request) == source
