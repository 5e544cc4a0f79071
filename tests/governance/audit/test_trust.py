"""Whose signatures count: the policy file as it is, below our own keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from governance.audit import trust
from governance.crypto.signatures import SignatureType, Signer
from governance.errors import KeyUnavailable

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db
WITNESS = Signer("witness.example/w", b"\1" * 32, SignatureType.COSIGNATURE_ED25519).verifier.vkey
LINES = f"witness w {WITNESS}\nquorum w\n".encode()


@pytest.fixture
def policy_file(tmp_path: Path, settings: Any) -> Path:
    settings.GOVERNANCE_WITNESS_POLICY = str(tmp_path / "policy")
    return tmp_path / "policy"


@pytest.mark.parametrize(
    "comment", [b"# caf\xe9\n", "# two \u2028 lines\n".encode(), b" \t# indented\n", b"log elsewhere\n", b"\n"]
)
def test_comments_of_any_octets_and_other_logs_are_left_out(policy_file: Path, comment: bytes) -> None:
    policy_file.write_bytes(comment + LINES)
    assert trust.text().endswith(f"\n{LINES.decode()}")
    assert trust.text().isascii()
    assert list(trust.policy().witnesses) == ["w"]
    assert trust.policy().quorum == "w"


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"# nothing but words\n", LINES.replace(b"\n", b"\r\n"), b"group caf\xe9 1 w\n"]
)
def test_a_file_that_is_no_policy_is_refused_and_never_taken_for_none(policy_file: Path, content: bytes) -> None:
    policy_file.write_bytes(content)
    with pytest.raises(KeyUnavailable, match="GOVERNANCE_WITNESS_POLICY"):
        trust.policy()
