"""Key stores to test against; SoftHSM's token is made for each test, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pkcs11
import pytest

from tests.governance.keys.providers.stores import PIN, EnvironmentStore, HsmStore, KmsStore, LocalStore, TransitStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MADE = {"local": LocalStore, "env": EnvironmentStore, "vault": TransitStore, "kms": KmsStore}


@pytest.fixture
def hsm_token(pkcs11_module: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "conf").write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "conf")  # read when the module starts, in this process
    command = ["softhsm2-util", "--module", pkcs11_module, "--init-token", "--free", "--label", "governance"]
    subprocess.run([*command, "--so-pin", "12345", "--pin", PIN], check=True, capture_output=True)
    # The module may have been started before, with another token or none in its folder: it reads anew what is there.
    # While all tests of a process shared one token, two did not find its objects in whole runs; none has failed since.
    pkcs11.lib(pkcs11_module).reinitialize()
    return "governance"


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """The store that the test is parametrised with."""
    if request.param == "pkcs11":
        made: Any = HsmStore(request.getfixturevalue("pkcs11_module"), request.getfixturevalue("hsm_token"))
    else:
        made = MADE[request.param](tmp_path)
    try:
        yield made
    finally:
        made.close()
