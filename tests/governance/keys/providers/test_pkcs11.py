"""A hardware module: what it refuses besides the contract. SoftHSM stands for all of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from governance.errors import KeyUnavailable
from governance.keys.providers.pkcs11 import Pkcs11Provider
from tests.governance.keys.providers.stores import PIN

pytestmark = pytest.mark.parametrize("store", ["pkcs11"], indirect=True)

KEY = bytes(range(32))
PROJECT = Path(__file__).resolve().parents[4]


def test_a_key_that_could_be_taken_out_is_refused(store: Any) -> None:
    store.rotate(EXTRACTABLE=True)
    with pytest.raises(KeyUnavailable, match="taken out"):
        store.provider().wrap(KEY, ("a",))


def test_two_keys_of_one_label_are_refused(store: Any) -> None:
    from pkcs11 import Attribute, KeyType

    with store._session() as session:  # noqa: SLF001  # the administrator's side
        template = {Attribute.EXTRACTABLE: False, Attribute.SENSITIVE: True}
        session.generate_key(KeyType.AES, 256, label=store.label, store=True, template=template)
    with pytest.raises(KeyUnavailable, match="several"):
        store.provider().wrap(KEY, ("a",))


def test_a_module_that_was_restarted_is_signed_in_to_again(store: Any) -> None:
    """In a process of its own: other sessions of this one would be lost with the module, and may take its handles."""
    done = subprocess.run(  # our own interpreter and file
        [sys.executable, "-m", "tests.governance.keys.providers.restarting", store.module, store.token, store.label],
        cwd=PROJECT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings_test"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == ["the same key", "the same key"], done.stderr[-3000:]


def test_a_wrong_pin_is_tried_once(store: Any) -> None:
    """Most modules lock themselves: three calls with a wrong PIN are three tries, and no more."""
    for _time in range(2):
        with pytest.raises(KeyUnavailable, match="PIN"):
            store.stranger().wrap(KEY, ("a",))
    store.restart()
    assert store.provider().wrap(KEY, ("a",))


@pytest.mark.parametrize(
    ("change", "words"),
    [({"token": "no such token"}, "no token"), ({"module": "/nowhere.so"}, "cannot be loaded"), ({"pin": ""}, "Set ")],
)
def test_what_is_set_up_wrongly_is_named(store: Any, change: dict[str, str], words: str) -> None:
    arguments = {"module": store.module, "token": store.token, "pin": PIN, "key": store.label} | change
    with pytest.raises(KeyUnavailable, match=words):
        Pkcs11Provider(**arguments, seconds=0.5).wrap(KEY, ("a",))


def test_a_file_that_is_no_module_is_refused(store: Any, tmp_path: Path) -> None:
    (tmp_path / "module.so").write_text("no library")
    with pytest.raises(KeyUnavailable, match="cannot be loaded"):
        Pkcs11Provider(str(tmp_path / "module.so"), store.token, PIN, store.label, seconds=0.5).wrap(KEY, ("a",))
