"""In whose name and colour a page for customers is shown: by host and by path, in both portals, never another's."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from governance.models import Brand, Controller, StaffUser
from tests.governance.conftest import signed_in

pytestmark = pytest.mark.django_db
PAGES = ("/", "/privacy/", "/privacy/request/", "/privacy/return/", "/preferences/")
SHEET = "/privacy/colour/3b5b20.css"


@pytest.fixture
def fern(controller: Controller, settings: Any) -> Brand:
    settings.ALLOWED_HOSTS = ["testserver", ".example"]
    Brand.objects.create(controller=controller, slug="acorn", name="Acorn")
    return Brand.objects.create(
        controller=controller, slug="fern", name="Fern", accent="#3b5b20", host="privacy.fern.example"
    )


def shown(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_brands_host_shows_every_page_in_its_name_and_colour(fern: Brand) -> None:
    visitor = Client(headers={"host": "privacy.fern.example:8000"})
    for path in PAGES:
        text = shown(visitor, path)
        assert ">Fern</a>" in text, path
        assert SHEET in text, path


def test_elsewhere_it_is_not_shown_and_another_brands_path_counts_for_more(fern: Brand) -> None:
    for path in PAGES:
        text = shown(Client(), path)
        assert (">Fern</a>" in text, "/privacy/colour/" in text) == (False, False), path
    visitor = Client(headers={"host": "privacy.fern.example"})
    assert ">Acorn</a>" in shown(visitor, "/privacy/b/acorn/")
    for path in PAGES:
        assert ">Acorn</a>" in shown(visitor, path), path
        assert "/privacy/colour/" not in shown(visitor, path), path


def test_a_brands_host_leads_to_its_own_controller(fern: Brand, other_controller: Controller) -> None:
    Brand.objects.create(controller=other_controller, slug="fern", name="Their Fern", host="privacy.theirs.example")
    text = shown(Client(headers={"host": "privacy.theirs.example"}), "/privacy/")
    assert ">Their Fern</a>" in text
    assert other_controller.name in text


def test_the_path_of_a_brand_colours_both_portals(fern: Brand) -> None:
    visitor = Client()
    visitor.get("/privacy/b/fern/")
    for path in PAGES:
        assert SHEET in shown(visitor, path), path


def test_a_colour_that_cannot_be_read_colours_nothing(fern: Brand) -> None:
    Brand.objects.filter(pk=fern.pk).recorded().update(accent="#ffbf47")
    assert "/privacy/colour/" not in shown(Client(headers={"host": fern.host}), "/privacy/")
    for colour in ("ffbf47", "3b5b2", "red", "3b5b20-x"):
        assert Client().get(f"/privacy/colour/{colour}.css").status_code == 404


def test_a_sheet_holds_one_colour_and_is_kept(fern: Brand) -> None:
    answer = Client().get(SHEET)
    assert answer.headers["Content-Type"] == "text/css"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    text = answer.content.decode()
    assert "--accent: #3b5b20; --accent-strong: #294016;" in text
    assert "(prefers-color-scheme: dark)" in text
    assert "url(" not in text
    assert Client().post(SHEET).status_code == 405


def test_the_settings_name_the_brands_and_say_codes_in_words(fern: Brand, officer: StaffUser) -> None:
    text = shown(signed_in(officer), "/console/settings/")
    assert 'Fern <span class="muted">privacy.fern.example</span>' in text
    assert 'Acorn <span class="muted">/privacy/b/acorn/</span>' in text
    Brand.objects.recorded().delete()
    assert "none: people know it by its own name" in shown(signed_in(officer), "/console/settings/")
