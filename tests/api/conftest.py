"""Two controllers with one of everything, of which neither may learn anything about the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api.estate import Estate, build

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def acme(db: None, tmp_path: Path) -> Estate:
    return build("acme", tmp_path, is_default=True)


@pytest.fixture
def umbrella(db: None, tmp_path: Path) -> Estate:
    return build("umbrella", tmp_path)
