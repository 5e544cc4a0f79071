"""The main job with service and customers on PostgreSQL."""

from pathlib import Path

import pytest

from tests.flows.installation import Installation
from tests.flows.shops import whole_shop
from tests.flows.story import the_main_job


def test_the_main_job(postgresql_installation: Installation, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    with whole_shop(request, "postgresql", tmp_path) as shop:
        the_main_job(postgresql_installation, shop)
