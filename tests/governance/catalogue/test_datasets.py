"""Imported descriptions: versions, files with several datasets, systems that clash, and the map they make together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from governance.catalogue import datasets
from governance.errors import Conflict, InvalidDataset
from governance.models import LedgerEntry
from governance.policy.principal import operator
from governance.systems import registering

if TYPE_CHECKING:
    from governance.models import Controller, System

pytestmark = pytest.mark.django_db

ONE = """
  - fides_key: shop
    collections:
      - name: person
        fields:
          - {name: id, fides_meta: {primary_key: true}}
          - {name: email, data_categories: [user.contact.email], fides_meta: {identity: email}}
"""
TWO = """
  - fides_key: parcels
    collections:
      - name: parcel
        fields:
          - {name: id, fides_meta: {primary_key: true}}
          - name: person_id
            data_categories: [user.unique_id]
            fides_meta: {references: [{dataset: shop, field: person.id, direction: from}]}
"""
RULE = """
retention_rule:
  - {key: tax, dataset: shop, reason: Kept for tax, citation: AO, period: P10Y, fields: [person.email]}
"""


@pytest.fixture
def system(controller: Controller) -> System:
    return make(controller, "shop-db")


def make(controller: Controller, key: str) -> System:
    return registering.register(
        controller, key, key, f"sqlite:////nowhere/{key}.sqlite3", principal=operator(controller.pk.hex)
    )


def take_in(controller: Controller, system: System, *parts: str) -> list[tuple[str, int]]:
    text = "dataset:" + "".join(parts)
    rows = datasets.import_text(controller, system, text, principal=operator(controller.pk.hex))
    return [(row.key, row.version) for row in rows]


def test_a_file_may_hold_several_datasets_and_their_rules(controller: Controller, system: System) -> None:
    assert take_in(controller, system, ONE, TWO, RULE) == [("shop", 1), ("parcels", 1)]
    data_map = datasets.data_map(controller)
    assert sorted(each.key for each in data_map.datasets) == ["parcels", "shop"]
    assert [(rule.key, rule.dataset) for rule in data_map.rules] == [("tax", "shop")]
    assert datasets.problems(controller) == [each for each in data_map.check() if each.severity == "warning"]


def test_only_a_change_makes_a_new_version_and_an_event(controller: Controller, system: System) -> None:
    assert take_in(controller, system, ONE) == [("shop", 1)]
    assert take_in(controller, system, ONE) == [("shop", 1)]
    assert take_in(controller, system, ONE, RULE) == [("shop", 2)]
    assert LedgerEntry.objects.filter(type="dataset.imported").count() == 2


def test_a_dataset_stays_with_its_system(controller: Controller, system: System) -> None:
    take_in(controller, system, ONE)
    with pytest.raises(Conflict):
        take_in(controller, make(controller, "other-db"), ONE)
    assert take_in(controller, make(controller, "parcel-db"), TWO) == [("parcels", 1)]
    assert {key: home.key for key, home in datasets.systems_of(controller).items()} == {
        "shop": "shop-db",
        "parcels": "parcel-db",
    }


def test_a_reference_into_a_dataset_not_yet_imported_is_found_later(controller: Controller, system: System) -> None:
    take_in(controller, system, TWO)
    assert any(each.severity == "error" for each in datasets.problems(controller))
    take_in(controller, system, ONE)
    assert not any(each.severity == "error" for each in datasets.problems(controller))


def test_what_is_no_description_changes_nothing(controller: Controller, system: System) -> None:
    take_in(controller, system, ONE)
    for text in ("dataset: []", "a: [", "retention_rule: []"):
        with pytest.raises(InvalidDataset):
            datasets.import_text(controller, system, text, principal=operator(controller.pk.hex))
    assert [each.key for each in datasets.data_map(controller).datasets] == ["shop"]


def test_controllers_do_not_see_each_others_maps(
    controller: Controller, other_controller: Controller, system: System
) -> None:
    take_in(controller, system, ONE)
    assert datasets.data_map(other_controller).datasets == ()
    assert take_in(other_controller, make(other_controller, "shop-db"), ONE) == [("shop", 1)]
