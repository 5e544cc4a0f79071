"""The ledger's name: what no checkpoint could carry is told before the service starts, and not by events that wait."""

from __future__ import annotations

from typing import Any

import pytest

from governance import checks
from governance.keys import signing


@pytest.mark.parametrize("name", ["", "My Ledger", "privacy+ledger", "two\nlines", "x" * 256, "é" * 128, "bell\x07"])
def test_a_name_under_which_nothing_can_be_signed_is_told(settings: Any, name: str) -> None:
    settings.GOVERNANCE_LOG_ORIGIN = name
    (message,) = checks.log_origin()
    assert (message.id, message.msg.partition(" cannot")[0]) == ("governance.E007", "GOVERNANCE_LOG_ORIGIN")


@pytest.mark.parametrize("name", ["privacy.example/ledger", "x" * 255])
def test_any_other_name_signs(settings: Any, name: str) -> None:
    settings.GOVERNANCE_LOG_ORIGIN = name
    assert checks.log_origin() == []
    assert signing.verifier_key().startswith(f"{name}+")
