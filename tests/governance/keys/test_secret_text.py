"""The service's own secrets: they open where they were sealed and nowhere else, also after the root key was changed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.errors import KeyUnavailable, SealRefused
from governance.fields import Scope
from governance.keys import secret_text
from governance.keys.providers.local import LocalProvider

if TYPE_CHECKING:
    from pathlib import Path

LABEL = "staff.second_factor"
WHO = Scope(secret_text.INSTALLATION, "staff", uuid4().hex)


@given(st.text())
def test_what_was_sealed_opens(text: str) -> None:
    sealed = secret_text.seal(text, label=LABEL, scope=WHO)
    assert secret_text.unseal(sealed, label=LABEL, scope=WHO) == text


def test_nothing_of_it_can_be_read_and_no_two_are_alike() -> None:
    first, second = (secret_text.seal("JBSWY3DPEHPK3PXP", label=LABEL, scope=WHO) for _time in range(2))
    assert "JBSWY3DPEHPK3PXP" not in first
    assert not set(first.split(".")[1:3]) & set(second.split(".")[1:3])


@pytest.mark.parametrize(
    ("label", "scope"),
    [
        ("staff.other", WHO),
        (LABEL, Scope(secret_text.INSTALLATION, "staff", uuid4().hex)),
        (LABEL, Scope(secret_text.INSTALLATION, "service", WHO.id)),
        (LABEL, Scope(uuid4().hex, "staff", WHO.id)),
    ],
)
def test_it_does_not_open_in_another_place(label: str, scope: Scope) -> None:
    sealed = secret_text.seal("secret", label=LABEL, scope=WHO)
    with pytest.raises(SealRefused):
        secret_text.unseal(sealed, label=label, scope=scope)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_changed_part_is_refused(place: int) -> None:
    parts = secret_text.seal("secret", label=LABEL, scope=WHO).split(".", 3)
    other = secret_text.seal("secret", label=LABEL, scope=WHO).split(".", 3)
    parts[place] = other[place] if place else "cxs2"
    with pytest.raises((SealRefused, KeyUnavailable)):
        secret_text.unseal(".".join(parts), label=LABEL, scope=WHO)


@pytest.mark.parametrize("stored", ["", "JBSWY3DPEHPK3PXP", "cxs1.x.y.z", "cxs1.....", "cxs1.*.*.00"])
def test_what_was_never_sealed_is_refused(stored: str) -> None:
    with pytest.raises(SealRefused):
        secret_text.unseal(stored, label=LABEL, scope=WHO)


def test_a_root_key_kept_for_decryption_still_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from governance.crypto import keyring

    keyring.generate(tmp_path / "keyring")
    before = (tmp_path / "keyring").read_text()
    monkeypatch.setattr(secret_text, "provider", lambda: LocalProvider(str(tmp_path / "keyring")))
    sealed = secret_text.seal("secret", label=LABEL, scope=WHO)
    keyring.generate(tmp_path / "newer")
    newer = [line for line in (tmp_path / "newer").read_text().splitlines() if line.startswith("root ")]
    rotated = "\n".join(line.replace(" active ", " decrypt-only ") if line.startswith("root ") else line
                        for line in before.splitlines())  # fmt: skip
    (tmp_path / "keyring").write_text("\n".join([rotated, *newer, ""]))
    assert secret_text.unseal(sealed, label=LABEL, scope=WHO) == "secret"
    assert secret_text.seal("x", label=LABEL, scope=WHO).split(".")[3] != sealed.split(".")[3]
