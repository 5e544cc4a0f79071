"""Controllers and brands from the command line: checked field by field, changed as asked, on record without values."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from governance.models import Brand, Controller, LedgerEntry

pytestmark = pytest.mark.django_db(transaction=True)


def told(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def events(type_: str) -> list[dict[str, Any]]:
    return [json.loads(each.payload) for each in LedgerEntry.objects.filter(type=type_).order_by("pk")]


@pytest.fixture
def acme() -> Controller:
    told("create_controller", "acme", "--name", "Acme Ltd", "--default")
    return Controller.objects.get()


def test_facts_are_given_and_changed_and_taken_back(acme: Controller) -> None:
    assert (acme.country, acme.time_zone, acme.single_officer) == ("DE", "Europe/Berlin", False)
    facts = ("--host", "privacy.acme.example", "--time-zone", "Europe/Dublin", "--country", "IE", "--single-officer")
    assert "country, host, single_officer, time_zone" in told("change_controller", "acme", *facts)
    acme.refresh_from_db()
    assert (acme.host, acme.time_zone, acme.country) == ("privacy.acme.example", "Europe/Dublin", "IE")
    assert acme.single_officer
    assert acme.name == "Acme Ltd"
    assert "host" in told("change_controller", "acme", "--host", "", "--country", "IE")
    assert "nothing" in told("change_controller", "acme", "--name", "Acme Ltd")
    assert [each["details"]["fields"] for each in events("controller.changed")] == [
        ["country", "host", "single_officer", "time_zone"],
        ["host"],
    ]
    assert "Dublin" not in json.dumps(events("controller.changed"))
    assert {each["controller"] for each in events("controller.changed")} == {str(acme.pk)}
    assert all(each["actor"].startswith("operator:") for each in events("controller.changed"))


def test_the_ledger_says_which_way_the_rule_of_two_went(acme: Controller) -> None:
    for option in ("--single-officer", "--no-single-officer"):
        told("change_controller", "acme", option)
    assert [each["details"]["single_officer"] for each in events("controller.changed")] == [True, False]


def test_an_empty_slug_means_nobody(acme: Controller) -> None:
    for command in (("change_controller", "", "--name", "X"), ("name_brand", "a", "--name", "A", "--controller", "")):
        with pytest.raises(CommandError, match="No such controller"):
            told(*command)
    assert Controller.objects.get().name == "Acme Ltd"


def test_the_installations_own_address_stays_the_default_controllers(acme: Controller, settings: Any) -> None:
    settings.GOVERNANCE_PUBLIC_URL = "https://privacy.acme.example:8443/"
    with pytest.raises(CommandError, match="own address"):
        told("create_controller", "globex", "--name", "Globex", "--host", "privacy.acme.example")
    told("change_controller", "acme", "--host", "privacy.acme.example")


def test_who_has_the_own_address_already_keeps_it_and_nobody_else_becomes_the_default(settings: Any) -> None:
    settings.GOVERNANCE_PUBLIC_URL = "https://privacy.acme.example/"
    told("create_controller", "globex", "--name", "Globex", "--host", "privacy.acme.example")
    assert "contact" in told("change_controller", "globex", "--contact", "privacy@globex.example")
    with pytest.raises(CommandError, match="own address"):
        told("create_controller", "acme", "--name", "Acme", "--default")


def test_a_name_may_hold_any_space_that_ends_no_line(acme: Controller) -> None:
    name = "Caf\u00e9\u00a0& Fils"
    assert "name" in told("change_controller", "acme", "--name", name)
    acme.refresh_from_db()
    assert acme.name == name


def test_a_portal_that_nobody_can_reach_is_not_announced(acme: Controller) -> None:
    assert "no portal leads to it yet" in told("create_controller", "globex", "--name", "Globex")
    assert "--host NAME" in told("name_brand", "iris", "--name", "Iris", "--controller", "globex")
    told("change_controller", "globex", "--host", "privacy.globex.example")
    there = told("name_brand", "iris", "--sender", "privacy@iris.example", "--controller", "globex")
    assert "privacy.globex.example/privacy/b/iris/" in there


def test_a_brand_of_one_controller_is_not_another_s(acme: Controller) -> None:
    told("create_controller", "globex", "--name", "Globex", "--host", "privacy.globex.example")
    told("name_brand", "fern", "--name", "Fern")
    told("name_brand", "fern", "--name", "Fern of Globex", "--accent", "#3b5b20", "--controller", "globex")
    told("name_brand", "fern", "--accent", "", "--controller", "globex")
    faces = list(Brand.objects.order_by("name").values_list("controller__slug", "name", "accent"))
    assert faces == [("acme", "Fern", ""), ("globex", "Fern of Globex", "")]
    assert len({each["controller"] for each in events("brand.changed")}) == 2


@pytest.mark.parametrize(
    ("option", "value", "remedy"),
    [
        ("--time-zone", "Berlin", "time_zone: .*Europe/Berlin"),
        ("--country", "Germany", "country: .*such as DE"),
        ("--country", "ZZ", "country: .*public holidays are known"),
        ("--country", "DEU", "country: .*two capitals"),
        ("--country", "UK", "country: "),
        ("--language", "tlh", "language: "),
        ("--name", "Acme\nLtd", "name: .*in one line"),
        ("--authority", "Berlin\r", "authority: .*in one line"),
        ("--host", "https://privacy.acme.example/", "host: .*host name alone"),
        ("--host", "privacy.acme.example:8443", "host: .*host name alone"),
        ("--host", "-", "host: "),
        ("--name", "  ", "name: .*1 to 120"),
        ("--contact", "x" * 201, "contact: .*200"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_changes(
    option: str, value: str, remedy: str, acme: Controller
) -> None:
    before = Controller.objects.filter(pk=acme.pk).values().get()
    with pytest.raises(CommandError, match=remedy):
        told("change_controller", "acme", f"{option}={value}")
    given = ["--name=New"] if option != "--name" else []
    with pytest.raises(CommandError, match=remedy):
        told("create_controller", "new", *given, f"{option}={value}")
    assert Controller.objects.values().get() == before
    assert events("controller.changed") == []


def test_slug_host_and_default_are_held_by_one_alone(acme: Controller) -> None:
    told("change_controller", "acme", "--host", "privacy.acme.example")
    with pytest.raises(CommandError, match="slug exists"):
        told("create_controller", "acme", "--name", "Other")
    with pytest.raises(CommandError, match="default"):
        told("create_controller", "other", "--name", "Other", "--default")
    with pytest.raises(CommandError, match="host"):
        told("create_controller", "other", "--name", "Other", "--host", "privacy.acme.example")
    with pytest.raises(CommandError, match="name: "):
        told("create_controller", "other")
    told("create_controller", "other", "--name", "Other", "--host", "privacy.other.example")
    with pytest.raises(CommandError, match="host"):
        told("change_controller", "other", "--host", "privacy.acme.example")
    with pytest.raises(CommandError, match="there are: acme, other"):
        told("change_controller", "nobody", "--name", "X")


def test_each_host_leads_to_its_own_controllers_portal(acme: Controller, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    told("create_controller", "globex", "--name", "Globex Corporation", "--host", "privacy.globex.example")
    pages = {
        host: Client(headers={"host": host}).get("/privacy/").content for host in ("privacy.globex.example", "x.y")
    }
    assert b"Globex Corporation" in pages["privacy.globex.example"]
    assert b"Globex Corporation" not in pages["x.y"]
    assert b"Acme Ltd" in pages["x.y"]


def test_a_brand_is_named_and_gets_another_face(acme: Controller) -> None:
    assert "/privacy/b/fern/" in told("name_brand", "fern", "--name", "Fern", "--sender", "privacy@fern.example")
    assert b"Fern" in Client().get("/privacy/b/fern/").content
    assert "accent" in told("name_brand", "fern", "--accent", "#3b5b20")
    brand = Brand.objects.get()
    assert (brand.controller, brand.name, brand.sender, brand.accent) == (
        acme, "Fern", "privacy@fern.example", "#3b5b20",
    )  # fmt: skip
    assert [each["details"] for each in events("brand.changed")] == [
        {"fields": ["name", "sender"], "made": True},
        {"fields": ["accent"], "made": False},
    ]
    assert "fern.example" not in json.dumps(events("brand.changed"))


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (("fern",), "name: "),
        (("a fern", "--name", "Fern"), "slug: "),
        (("fern", "--name", "Fern\n"), "name: .*in one line"),
        (("fern", "--name", "Fern", "--sender", "fern"), "sender: "),
        (("fern", "--name", "Fern", "--accent", "#ffbf47"), "accent: .*dark enough"),
        (("fern", "--name", "Fern", "--accent", "green"), "accent: .*#rrggbb"),
        (("fern", "--name", "Fern", "--host", "https://fern.example/"), "host: .*host name alone"),
    ],
)
def test_a_face_that_cannot_be_is_refused(arguments: tuple[str, ...], remedy: str, acme: Controller) -> None:
    with pytest.raises(CommandError, match=remedy):
        told("name_brand", *arguments)
    assert not Brand.objects.exists()


def test_a_brands_host_is_its_own_alone(acme: Controller, settings: Any) -> None:
    settings.GOVERNANCE_PUBLIC_URL = "https://privacy.acme.example/"
    told("create_controller", "globex", "--name", "Globex", "--host", "privacy.globex.example")
    said = told("name_brand", "fern", "--name", "Fern", "--host", "privacy.fern.example")
    assert "privacy.fern.example/privacy/\n" in said
    for taken, why in (
        ("privacy.fern.example", "Another brand"),
        ("privacy.globex.example", "controller's portal"),
        ("privacy.acme.example", "controller's portal"),
    ):
        with pytest.raises(CommandError, match=why):
            told("name_brand", "acorn", "--name", "Acorn", "--host", taken)
    with pytest.raises(CommandError, match="brand's portal"):
        told("change_controller", "globex", "--host", "privacy.fern.example")
    assert Brand.objects.get().host == "privacy.fern.example"
    assert "host" in told("name_brand", "fern", "--host", "")
