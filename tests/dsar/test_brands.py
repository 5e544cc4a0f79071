"""The face of a request: wherever it comes in, letters bear the name, sender and colour of its brand."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client

from dsar import services
from dsar.models import SubjectRequest
from governance import vault
from governance.access import controllers
from governance.models import Brand, Controller, OutgoingMessage
from governance.policy.principal import worker
from governance.policy.vocabulary import Role
from governance.subjects import letters as outgoing
from tests.dsar.conftest import ANN, House, last_code, letters, prove
from tests.governance.conftest import service, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def fern(house: House) -> Brand:
    Brand.objects.create(controller=house.controller, slug="acorn", name="Acorn", sender="privacy@acorn.example")
    return Brand.objects.create(
        controller=house.controller, slug="fern", name="Fern", sender="privacy@fern.example", accent="#3b5b20"
    )


def ask_in_the_portal(query: str) -> SubjectRequest:
    visitor = Client()
    assert visitor.get(f"/privacy/{query}").status_code == 200
    visitor.post("/privacy/request/submit/", {"ask": "copy", "email": ANN})
    return SubjectRequest.objects.get()


def test_a_brands_site_leads_to_its_letters(fern: Brand, house: House) -> None:
    request = ask_in_the_portal("?brand=fern")
    assert request.brand == fern
    prove(request)
    outgoing.deliver_due()
    letter = mail.outbox[-1]
    assert letter.from_email == "Fern <privacy@fern.example>"
    row = OutgoingMessage.objects.latest("created_at")
    html = vault.reveal(row.html, principal=worker(house.controller.pk.hex), purpose="letter_delivery")
    assert "background:#3b5b20" in str(html)
    assert letter.body.rstrip().endswith("Fern")


@pytest.mark.parametrize("query", ["", "?brand=", "?brand=nobody", "?brand=%00", "?brand=" + "x" * 5000])
def test_an_unknown_brand_is_none(fern: Brand, query: str) -> None:
    assert ask_in_the_portal(query).brand is None


def test_a_service_names_one_of_its_own_brands(fern: Brand, house: House) -> None:
    other = Controller.objects.create(slug="globex", name="Globex")
    Brand.objects.create(controller=other, slug="theirs", name="Theirs")
    headers = {"Authorization": f"Bearer {service(house.controller, Role.INTEGRATOR)}"}

    def post(brand: str) -> tuple[int, str]:
        body = {"rights": ["access"], "identifiers": [{"type": "email", "value": ANN}], "brand": brand}
        answer = Client().post("/v1/requests", body, content_type="application/json", headers=headers)
        return answer.status_code, answer.content.decode()

    status, text = post("fern")
    assert (status, '"brand":"fern"' in text) == (201, True)
    foreign, made_up = post("theirs"), post("nobody")
    assert foreign[0] == made_up[0] == 422
    assert SubjectRequest.objects.count() == 1


def test_an_officer_chooses_one_where_there_are_several(fern: Brand, house: House) -> None:
    desk = signed_in(house.officer)
    assert "Which brand" in desk.get("/console/requests/new/").content.decode()
    answer = desk.post("/console/requests/new/", {"rights": ["access"], "email": ANN, "brand": "fern"}, follow=True)
    assert "Fern" in answer.content.decode()
    assert SubjectRequest.objects.get().brand == fern
    Brand.objects.get(slug="acorn").delete()
    assert "Which brand" not in desk.get("/console/requests/new/").content.decode()


def test_without_a_brand_the_controller_writes_under_the_installations_own_address(fern: Brand, house: House) -> None:
    intake = services.Intake(rights=("access",), email=ANN, manner="api")
    prove(services.receive(house.controller, intake, principal=worker(house.controller.pk.hex)))
    outgoing.deliver_due()
    # Never under a brand's: the mail server of one brand would not vouch for the other's letters.
    assert mail.outbox[-1].from_email == f"Acme <{settings.DEFAULT_FROM_EMAIL}>"


def test_a_brand_has_its_own_address_and_every_page_that_follows_bears_its_name(fern: Brand, house: House) -> None:
    visitor = Client()
    assert "Fern" in visitor.get("/privacy/b/fern/").content.decode()
    for path in ("/privacy/", "/privacy/request/", "/privacy/request/address/?ask=copy", "/privacy/return/"):
        assert "Fern" in visitor.get(path).content.decode(), path
    visitor.post("/privacy/request/submit/", {"ask": "copy", "email": ANN})
    assert SubjectRequest.objects.get().brand == fern
    assert "Fern" in visitor.get("/privacy/code/").content.decode()
    visitor.post("/privacy/code/", {"code": last_code(house.controller)})
    for path in ("/privacy/status/", "/privacy/withdraw/"):
        assert "Fern" in visitor.get(path).content.decode(), path


def test_an_unknown_brands_address_says_no_more_than_the_portal_itself(fern: Brand, house: House) -> None:
    other = Controller.objects.create(slug="globex", name="Globex")
    Brand.objects.create(controller=other, slug="theirs", name="Theirs")
    pages = {slug: Client().get(f"/privacy/b/{slug}/") for slug in ("theirs", "nobody")}
    assert {page.status_code for page in pages.values()} == {200}
    assert not any("Theirs" in page.content.decode() for page in pages.values())


def test_letters_lead_to_the_brands_own_host(fern: Brand, house: House, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["testserver", ".example"]
    settings.GOVERNANCE_PUBLIC_URL = "https://privacy.acme.example"
    controllers.show_as(house.controller, "fern", principal=house.principal, host="privacy.fern.example")
    visitor = Client(headers={"host": "privacy.fern.example"})
    visitor.post("/privacy/request/submit/", {"ask": "copy", "email": ANN})
    request = SubjectRequest.objects.get()
    assert request.brand == fern
    prove(request)
    assert "https://privacy.fern.example/privacy/return/" in letters(house.controller)[-1]
