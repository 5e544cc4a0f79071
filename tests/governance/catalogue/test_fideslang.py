"""Reading dataset descriptions: the published format is accepted, and every fault is named at once, without values."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.catalogue.data_map import (
    CollectionRef,
    DataMap,
    Direction,
    FieldRef,
    Masking,
    Reference,
    Severity,
    combine,
)
from governance.catalogue.fideslang import parse
from governance.errors import InvalidDataset

PUBLISHED = """
# the shape of files found in the field
dataset:
  - fides_key: postgres_example
    organization_fides_key: default_organization
    name: Example
    description: Several related tables.
    meta: null
    data_categories: []
    collections:
      - name: address
        fields:
          - name: id
            data_categories: [system.operations]
            fides_meta:
              primary_key: True
          - name: street
            data_categories: [user.contact.address.street]
      - name: customer
        description: People
        after: [postgres_example.address]
        fides_meta:
          skip_processing: false
          erase_after: [postgres_example.address]
          masking_strategy_override: {strategy: delete}
          data_subject: customer
        fields:
          - name: address_id
            data_categories: [system.operations]
            fidesops_meta:
              references:
                - dataset: postgres_example
                  field: address.id
                  direction: to
          - name: email
            data_categories: [user.contact.email]
            data_qualifier: aggregated
            fidesops_meta: {identity: email, data_type: string, return_all_elements: true}
          - name: phone
            data_categories: [user.contact.phone_number]
            fides_meta: {identity: phone_number, read_only: true}
          - name: id
            data_categories: [user.unique_id]
            fides_meta: {primary_key: True}
          - name: name
            data_categories: [user.name]
            fides_meta:
              length: 40
              masking_strategy_override:
                strategy: random_string_rewrite
                configuration: {length: 5, format_preservation: {suffix: "@example.com"}}
          - name: workplace
            fides_meta: {data_type: object}
            fields:
              - name: employer
              - name: colleagues
                data_categories: [user.name]
                fides_meta: {data_type: "string[]"}
"""


def test_the_published_format_is_read_whole() -> None:
    imported = parse(PUBLISHED)
    customer = imported.data_map.collections[CollectionRef("postgres_example", "customer")]
    assert customer.data_subject == "customer"
    assert customer.strategy == Masking("delete")
    assert customer.after == customer.erase_after == (CollectionRef("postgres_example", "address"),)
    address_id, email, phone, key, name, workplace = customer.fields
    assert address_id.references == (Reference(FieldRef("postgres_example", "address", "id"), Direction.TO),)
    assert (email.identity, phone.identity, phone.read_only) == ("email", "phone", True)
    assert key.primary_key
    assert customer.primary_key == ("id",)
    assert (name.length, name.strategy) == (40, Masking("random_string_rewrite", length=5, suffix="@example.com"))
    assert workplace.categories == ()
    assert workplace.all_categories == ("user.name",)
    assert customer.field("workplace.colleagues") is workplace.nested[1]
    assert imported.data_map.identity_types() == {"email", "phone"}


def test_a_category_of_the_collection_holds_for_fields_without_one() -> None:
    data_map = parse(
        "dataset: [{fides_key: a, data_categories: [user.device], collections: ["
        "{name: t, data_categories: [user.behavior], fields: [{name: x}, {name: y, data_categories: [system]}]},"
        "{name: u, fields: [{name: z}]}]}]"
    ).data_map
    x, y = data_map.collections[CollectionRef("a", "t")].fields
    [z] = data_map.collections[CollectionRef("a", "u")].fields
    assert (x.categories, y.categories, z.categories) == (("user.behavior",), ("system",), ("user.device",))


def test_names_with_a_schema_are_found_in_references_and_rules() -> None:
    data_map = parse(
        "dataset: [{fides_key: a, collections: ["
        "{name: sales.person, fields: [{name: id, fides_meta: {primary_key: true}}]},"
        "{name: sales.bill, fields: [{name: id, fides_meta: {primary_key: true}}, {name: day},"
        " {name: who, fides_meta: {references: [{dataset: a, field: sales.person.id}]}}]}]}]\n"
        "retention_rule: [{key: tax, reason: law, period: P10Y, from: sales.bill.day, fields: [sales.bill.who]}]"
    ).data_map
    [reference] = data_map.collections[CollectionRef("a", "sales.bill")].fields[2].references
    assert reference.target == FieldRef("a", "sales.person", "id")
    assert data_map.rules[0].start == FieldRef("a", "sales.bill", "day")


def test_every_fault_is_named_at_once_with_its_place_and_no_value() -> None:
    text = """
dataset:
  - fides_key: "shop for ann@example.org"
    collections:
      - name: person
        fides_meta: {masking_strategy_override: {strategy: hash}, data_subject: "Ann Example"}
        fields:
          - {name: id, fides_meta: {primary_key: "ann@example.org"}}
          - {name: no}
          - {data_categories: [Ann.Example]}
          - {name: a, data_categorys: [user.name]}
          - {name: b, fides_meta: {identity: "ann@example.org", length: -1, references: [{field: x, direction: up}]}}
          - {name: c, fides_meta: {masking_strategy_override: {strategy: aes_encrypt}}}
          - {name: d, fides_meta: {masking_strategy_override: {strategy: string_rewrite}}}
      - name: empty
retention_rule:
  - {key: tax, dataset: shop, period: ann@example.org, from: ann}
"""
    with pytest.raises(InvalidDataset) as caught:
        parse(text)
    at = "/dataset/0/collections/0"
    assert {each.pointer for each in caught.value.errors} == {
        "/dataset/0/fides_key",
        f"{at}/fides_meta/masking_strategy_override/strategy",
        f"{at}/fides_meta/data_subject",
        f"{at}/fields/0/fides_meta/primary_key",
        f"{at}/fields/1/name",
        f"{at}/fields/2/name",
        f"{at}/fields/2/data_categories/0",
        f"{at}/fields/3/data_categorys",
        f"{at}/fields/4/fides_meta/identity",
        f"{at}/fields/4/fides_meta/length",
        f"{at}/fields/4/fides_meta/references/0/field",
        f"{at}/fields/4/fides_meta/references/0/direction",
        f"{at}/fields/5/fides_meta/masking_strategy_override/strategy",
        f"{at}/fields/6/fides_meta/masking_strategy_override/configuration/rewrite_value",
        "/dataset/0/collections/1/fields",
        "/retention_rule/0/reason",
        "/retention_rule/0/from",
    }
    told = repr(caught.value.errors) + str(caught.value)
    assert "ann@example.org" not in told
    assert "Ann" not in told


def test_what_does_not_fit_together_is_refused() -> None:
    text = """
dataset:
  - fides_key: a
    collections:
      - name: t
        fides_meta: {after: [a.gone]}
        fields:
          - {name: id, fides_meta: {primary_key: true}}
          - {name: id}
          - {name: x, fides_meta: {references: [{dataset: a, field: gone.id}, {dataset: a, field: t.gone}]}}
      - {name: t, fields: [{name: id}]}
retention_rule:
  - {key: tax, reason: law, period: ten years, from: t.gone, fields: [gone.id]}
  - {key: tax, reason: law, period: P1Y, dataset: b}
"""
    with pytest.raises(InvalidDataset) as caught:
        parse(text)
    assert {each.pointer for each in caught.value.errors} == {
        "/dataset/0/collections",
        "/dataset/0/collections/0/fides_meta/after",
        "/dataset/0/collections/0/fields",
        "/dataset/0/collections/0/fields/2/fides_meta/references/0",
        "/dataset/0/collections/0/fields/2/fides_meta/references/1",
        "/retention_rule/0/period",
        "/retention_rule/0/from",
        "/retention_rule/0/fields/0",
        "/retention_rule/1/dataset",
    }


def test_references_between_datasets_are_checked_when_the_map_is_whole() -> None:
    one = parse(
        "dataset: [{fides_key: one, collections: [{name: t, fields: [{name: id, fides_meta: {primary_key: true}},"
        " {name: x, fides_meta: {references: [{dataset: two, field: s.u.id}]}}]}]}]"
    ).data_map
    two = parse(
        "dataset: [{fides_key: two, collections: [{name: s.u, fields: [{name: id, fides_meta: {primary_key: true}}]}]}]"
    ).data_map
    assert [each.pointer for each in one.check()] == ["/dataset/0/collections/0/fields/1/fides_meta/references/0"]
    whole = combine(one, two)
    assert whole.check() == []
    assert whole.collections[CollectionRef("one", "t")].fields[1].references[0].target == FieldRef("two", "s.u", "id")
    assert [each.pointer for each in combine(one, one, two).check()] == ["/dataset"]


def test_what_is_doubtful_is_a_warning() -> None:
    imported = parse(
        "system: []\n"
        "dataset: [{fides_key: a, collections: [{name: t, fields: [{name: x, masking_strategy_override: {}},"
        " {name: y, fides_meta: {data_categories: [user]}}]}]}]\n"
        "retention_rule: [{key: tax, reason: law, period: P1Y, fields: [t.x]}]"
    )
    assert all(each.severity is Severity.WARNING for each in imported.warnings)
    assert {each.pointer for each in imported.warnings} == {
        "/system",
        "/dataset/0/collections/0/fields",  # no primary key
        "/dataset/0/collections/0/fields/0",  # no category
        "/dataset/0/collections/0/fields/0/masking_strategy_override",
        "/dataset/0/collections/0/fields/1",
        "/dataset/0/collections/0/fields/1/fides_meta/data_categories",
        "/retention_rule/0",  # no start date
    }


@pytest.mark.parametrize(
    "text",
    [
        "a: &x [1]\nb: [*x, *x]",
        "a: &a [l]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]",
        "dataset: []\ndataset: []",
        "dataset: 2024-13-45",
        "[" * 50_000,
        "a: " + "[" * 60 + "]" * 60,
        "dataset:\n" + "  - x\n" * 200_000,
        "dataset: !!python/object/apply:os.system [x]",
        "dataset: \x00",
        b"\xff\xfe\x00",
        "",
        "- 1",
        "dataset: 3",
        "dataset: [[]]",
        "dataset: {a: b}",
        "{1: 2}",
        "? [a]\n: b",
        "dataset: [{collections: [{fields: [{fields: [{fields: 3}]}]}]}]",
        "a" * 1_000_001,
    ],
)
def test_hostile_or_broken_text_is_refused_quickly(text: str | bytes) -> None:
    started = time.monotonic()
    with pytest.raises(InvalidDataset) as caught:
        parse(text)
    assert caught.value.errors
    assert time.monotonic() - started < 5


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["dataset", "retention_rule", "fides_key", "collections", "name", "fields", "fides_meta", "references",
                 "field", "identity", "after", "masking_strategy_override", "data_categories", "period", "from"]
            ),
            inner,
            max_size=4,
        ),
        max_leaves=20,
    )
)  # fmt: skip
def test_no_shape_whatever_makes_it_stumble(value: object) -> None:
    import yaml

    text = yaml.safe_dump(value)
    try:
        assert isinstance(parse(text).data_map, DataMap)
    except InvalidDataset as error:
        pointers = [each.pointer for each in error.errors]
    else:
        pointers = [""]
    assert pointers
    assert all(pointer == "" or pointer.startswith("/") for pointer in pointers)


@pytest.mark.parametrize("name", ["chinook_sqlite.yml", "chinook_postgresql.yml"])
def test_our_own_descriptions_are_free_of_doubts(name: str) -> None:
    imported = parse((Path(__file__).parents[2] / "data" / name).read_bytes())
    assert imported.warnings == ()
    assert imported.data_map.check() == []
