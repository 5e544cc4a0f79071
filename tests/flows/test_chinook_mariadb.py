"""The main job with the customers on MariaDB, and the service on PostgreSQL with Redis as broker and cache."""

from pathlib import Path

import pytest

from tests.flows.installation import Installation
from tests.flows.shops import whole_shop
from tests.flows.story import the_main_job


def test_the_main_job(redis_installation: Installation, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    with whole_shop(request, "mysql", tmp_path) as shop:
        the_main_job(redis_installation, shop)
