"""The main job with one company's data spread over three engines: one access request, one erasure request."""

from pathlib import Path

import pytest

from tests.flows.installation import Installation
from tests.flows.shops import split_shop
from tests.flows.story import the_main_job

HOMES = {
    "employees": ("mysql", ["Employee"]),
    "customers": ("sqlite", ["Customer"]),
    "invoices": ("postgresql", ["Invoice", "InvoiceLine"]),
}


def test_the_main_job(redis_installation: Installation, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    with split_shop(request, HOMES, tmp_path) as shop:
        the_main_job(redis_installation, shop)
