"""Plans of small maps, each with one thing in it: whose rows are found, what is read, what is erased, and when."""

from __future__ import annotations

import pytest

from governance.catalogue import planning
from governance.catalogue.data_map import CollectionRef, DataMap, FieldRef, combine
from governance.catalogue.fideslang import parse
from governance.catalogue.planning import FieldAction, Lookup, Ownership, Plan, Reason, RowAction

BOTH = frozenset(("access", "erasure"))
KEY = "{name: id, data_categories: [system], fides_meta: {primary_key: true}}"
NUMBER = "{name: id, data_categories: [user.unique_id], fides_meta: {primary_key: true}}"
EMAIL = "{name: email, data_categories: [user.contact.email], fides_meta: {identity: email}}"
NAME = "{name: name, data_categories: [user.name]}"
STREET = "{name: street, data_categories: [user.contact.address.street]}"


def link(name: str, target: str, direction: str = "", dataset: str = "shop") -> str:
    towards = f", direction: {direction}" if direction else ""
    reference = f"{{dataset: {dataset}, field: {target}{towards}}}"
    return f"{{name: {name}, data_categories: [system], fides_meta: {{references: [{reference}]}}}}"


def table(name: str, *fields: str, meta: str = "") -> str:
    return f"{{name: {name}, fides_meta: {{{meta}}}, fields: [{', '.join(fields)}]}}"


def shop(*tables: str, key: str = "shop", rules: str = "") -> DataMap:
    return parse(f"dataset: [{{fides_key: {key}, collections: [{', '.join(tables)}]}}]\n{rules}").data_map


def plan(data_map: DataMap, *identities: str) -> Plan:
    return planning.plan(data_map, frozenset(identities or ("email",)), BOTH)


def ref(name: str, dataset: str = "shop") -> CollectionRef:
    return CollectionRef(dataset, name)


def reasons(made: Plan) -> dict[str, tuple[str, str]]:
    return {each.at.collection: (each.ownership.value, each.reason.value) for each in made.excluded}


PERSON = table("person", KEY, EMAIL, NAME)


def test_rows_that_point_at_the_person_are_theirs_all_the_way_down() -> None:
    bill = table("bill", KEY, link("person_id", "person.id"), STREET)
    line = table("line", KEY, link("bill_id", "bill.id"))
    made = plan(shop(line, bill, PERSON))
    assert [node.at.collection for node in made] == ["person", "bill", "line"]
    assert made.node(ref("person")).lookups == (Lookup("email", identity="email"),)
    assert made.node(ref("line")).lookups == (Lookup("bill_id", source=FieldRef("shop", "bill", "id")),)
    assert made.node(ref("bill")).links == ("id",)
    assert made.erase_order == (ref("line"), ref("bill"), ref("person"))


def test_a_reference_may_be_written_on_either_side() -> None:
    parent = (
        "{name: id, data_categories: [system], fides_meta: {primary_key: true,"
        " references: [{dataset: shop, field: bill.person_id, direction: to}]}}"
    )
    made = plan(
        shop(table("person", parent, EMAIL), table("bill", KEY, "{name: person_id, data_categories: [system]}"))
    )
    assert made.node(ref("bill")).lookups == (Lookup("person_id", source=FieldRef("shop", "person", "id")),)


def test_a_reference_is_followed_only_the_way_the_map_allows() -> None:
    up = table("bill", KEY, EMAIL, link("person_id", "person.id", "to"))
    made = plan(shop(table("person", KEY, STREET), up))
    assert made.node(ref("person")).ownership is Ownership.SHARED
    down = table("bill", KEY, EMAIL, link("person_id", "person.id", "from"))
    assert reasons(plan(shop(table("person", KEY, STREET), down))) == {"person": ("unreachable", "no_path")}
    upward = table("bill", KEY, STREET, link("person_id", "person.id", "to"))
    assert reasons(plan(shop(PERSON, upward))) == {"bill": ("unreachable", "no_path")}


def test_references_reach_into_other_datasets() -> None:
    crm = shop(table("lead", KEY, NAME, link("person_id", "person.id", dataset="shop")), key="crm")
    made = plan(combine(crm, shop(PERSON)))
    assert [str(node.at) for node in made] == ["shop.person", "crm.lead"]


def test_the_row_own_rows_point_at_may_serve_several_people() -> None:
    made = plan(shop(table("person", KEY, EMAIL, link("home_id", "address.id")), table("address", KEY, STREET)))
    node = made.node(ref("address"))
    assert node.ownership is Ownership.SHARED
    assert [(str(each.at), each.target) for each in node.referrers] == [("shop.person.home_id", "id")]
    assert made.erase_order == (ref("person"), ref("address"))


def test_somebody_own_rows_point_at_is_another_person() -> None:
    person = table("person", KEY, EMAIL, link("agent_id", "agent.id"))
    for agent in (
        table("agent", KEY, NAME),
        table("agent", KEY, "{name: hired, data_categories: [employee]}"),
        table("agent", NUMBER, STREET),
        table("agent", KEY, STREET, meta="data_subject: employee"),
    ):
        made = plan(shop(person.replace("fides_meta: {}", "fides_meta: {data_subject: customer}"), agent))
        assert reasons(made) == {"agent": ("other_person", "another_person")}
        [withheld] = made.node(ref("person")).withheld
        assert (withheld.field, withheld.target, withheld.reason) == ("agent_id", ref("agent"), Reason.ANOTHER_PERSON)


def test_what_is_not_personal_is_not_read() -> None:
    person = table("person", KEY, EMAIL, link("plan_id", "tariff.id"))
    made = plan(shop(person, table("tariff", KEY), table("price", KEY, link("tariff_id", "tariff.id"))))
    assert reasons(made) == {"tariff": ("reference", "not_personal"), "price": ("unreachable", "no_path")}


def test_nothing_is_followed_beyond_a_shared_row() -> None:
    person = table("person", KEY, EMAIL, link("home_id", "address.id"))
    address = table("address", KEY, STREET, link("town_id", "town.id"))
    note = table("note", KEY, STREET, link("address_id", "address.id"))
    made = plan(shop(person, address, table("town", KEY, STREET), note))
    assert reasons(made) == {"note": ("unreachable", "behind_shared"), "town": ("unreachable", "behind_shared")}


def test_a_person_of_the_same_table_is_never_followed() -> None:
    made = plan(shop(table("person", KEY, EMAIL, link("friend_id", "person.id"))))
    assert [each.source for each in made.node(ref("person")).lookups] == [None]
    assert [each.field for each in made.node(ref("person")).withheld] == ["friend_id"]
    assert made.notes == ()


def test_staff_do_not_own_the_customers_they_serve() -> None:
    staff = table("staff", KEY, EMAIL, "{name: hired, data_categories: [employee]}")
    person = table("person", KEY, NAME, link("staff_id", "staff.id"), meta="data_subject: customer")
    assert reasons(plan(shop(staff, person))) == {"person": ("other_person", "another_person")}
    bill = table("bill", KEY, link("person_id", "person.id"), link("staff_id", "staff.id"))
    made = plan(shop(staff, table("person", KEY, EMAIL, meta="data_subject: customer"), bill))
    assert [str(each.source) for each in made.node(ref("bill")).lookups] == ["shop.person.id"]
    assert made.node(ref("bill")).co_owners == ()


def test_rows_that_name_somebody_are_compared_with_the_person() -> None:
    ticket = table("ticket", KEY, EMAIL, link("person_id", "person.id"))
    [guard] = plan(shop(PERSON, ticket)).node(ref("ticket")).guards
    assert (guard.field, guard.identity, guard.sources) == ("email", "email", (FieldRef("shop", "person", "email"),))
    trusted = table("ticket", KEY, EMAIL, link("person_id", "person.id"), meta="data_subject: customer")
    assert plan(shop(PERSON, trusted)).node(ref("ticket")).guards == ()


def test_rows_whose_name_cannot_be_compared_are_another_persons() -> None:
    start = table(
        "person", KEY, "{name: number, data_categories: [user.unique_id], fides_meta: {identity: customer_id}}"
    )
    ticket = table("ticket", KEY, EMAIL, link("person_id", "person.id"))
    assert reasons(plan(shop(start, ticket), "customer_id")) == {"ticket": ("other_person", "another_person")}
    assert reasons(plan(shop(start, ticket), "customer_id", "email")) == {}


def test_a_row_between_two_people_has_two_owners() -> None:
    message = table("message", KEY, link("sender", "person.id"), link("receiver", "person.id"), STREET)
    owners = plan(shop(PERSON, message)).node(ref("message")).co_owners
    assert [(each.field, str(each.source)) for each in owners] == [
        ("receiver", "shop.person.id"),
        ("sender", "shop.person.id"),
    ]


def test_tables_that_share_a_key_are_one_row_in_two_places() -> None:
    profile = (
        "{name: profile, fields: [{name: id, data_categories: [user.unique_id],"
        " fides_meta: {primary_key: true, references: [{dataset: shop, field: person.id}]}}, " + NAME + "]}"
    )
    assert plan(shop(PERSON, profile)).node(ref("profile")).ownership is Ownership.OWN
    start = (
        "{name: profile, fields: ["
        + EMAIL
        + ", {name: id, data_categories: [system], fides_meta: {primary_key: true,"
        + " references: [{dataset: shop, field: person.id}]}}]}"
    )
    assert plan(shop(table("person", KEY, NAME), start)).node(ref("person")).ownership is Ownership.OWN


def test_two_tables_that_point_at_each_other_end() -> None:
    made = plan(shop(table("a", KEY, EMAIL, link("b_id", "b.id")), table("b", KEY, STREET, link("a_id", "a.id"))))
    assert [node.at.collection for node in made] == ["a", "b"]
    assert made.node(ref("a")).lookups == (Lookup("email", identity="email"),)
    assert [note for note in made.notes if "cycle" in note]


def test_credentials_are_held_and_never_read() -> None:
    secrets = [
        "{name: pw, data_categories: [user.authorization.password]}",
        "{name: ssn, data_categories: [user.government_id.national_identification_number]}",
        "{name: iban, data_categories: [user.financial.account_number]}",
        "{name: face, data_categories: [user.biometric]}",
        "{name: answer, data_categories: [user.account.security_question]}",
    ]
    node = plan(shop(table("person", KEY, EMAIL, *secrets))).node(ref("person"))
    assert node.read is not None
    assert node.read.fields == ("id", "email")
    assert {(each.field, each.reason) for each in node.read.withheld} == {
        (name, Reason.CREDENTIAL) for name in ("pw", "ssn", "iban", "face", "answer")
    }
    assert node.erase is not None
    assert {each.field for each in node.erase.fields if each.action is FieldAction.MASK} >= {"pw", "ssn", "iban"}


def test_each_field_is_erased_or_kept_for_a_reason() -> None:
    fields = [
        NUMBER,
        EMAIL,
        link("home_id", "address.id"),
        "{name: login, data_categories: [system], fides_meta: {identity: email}}",
        "{name: shade, data_categories: [user.behavior], fides_meta: {read_only: true}}",
        "{name: score, data_categories: [user], fides_meta: {masking_strategy_override: {strategy: preserve}}}",
        "{name: slug, data_categories: [system], fides_meta: {masking_strategy_override: {strategy: hash}}}",
        "{name: blank}",
        "{name: stamp, data_categories: [system.operations]}",
        "{name: doc, fields: [{name: part, data_categories: [user.name]}]}",
        "{name: mail, data_categories: [user.contact.email],"
        " fides_meta: {references: [{dataset: shop, field: address.street}]}}",
    ]
    node = plan(shop(table("person", *fields), table("address", KEY, STREET))).node(ref("person"))
    assert node.erase is not None
    said = {each.field: (each.action.value, each.reason.value if each.reason else "") for each in node.erase.fields}
    assert said == {
        "id": ("keep", "key"),
        "email": ("mask", ""),
        "home_id": ("keep", "reference"),
        "login": ("mask", ""),
        "shade": ("keep", "read_only"),
        "score": ("keep", "preserved"),
        "slug": ("mask", ""),
        "blank": ("keep", "no_category"),
        "stamp": ("keep", "not_personal"),
        "doc": ("mask", ""),
        "mail": ("mask", ""),
    }


DELETE = "masking_strategy_override: {strategy: delete}"
RULE = "retention_rule: [{key: tax, reason: law, citation: Art. 1, period: P10Y, from: bill.day, %s}]"


def test_rows_are_deleted_unless_a_rule_or_another_row_needs_them() -> None:
    bill = table(
        "bill", KEY, link("person_id", "person.id"), "{name: day, data_categories: [system]}", STREET, meta=DELETE
    )
    person = table("person", KEY, EMAIL, meta=DELETE)

    def rows(made: Plan) -> dict[str, RowAction]:
        return {node.at.collection: node.erase.row for node in made if node.erase}

    assert rows(plan(shop(person, bill))) == {"person": RowAction.DELETE, "bill": RowAction.DELETE}
    kept = plan(shop(person, bill, rules=RULE % "fields: [bill.street]"))
    assert rows(kept) == {"person": RowAction.MASK, "bill": RowAction.MASK}
    assert kept.node(ref("person")).erase.reason is Reason.STILL_REFERENCED  # type: ignore[union-attr]


def test_a_rule_keeps_fields_by_name_or_category_and_says_until_when() -> None:
    bill = table("bill", KEY, link("person_id", "person.id"), "{name: day, data_categories: [system]}", STREET)
    for what in ("fields: [bill.street]", "data_categories: [user.contact]"):
        node = plan(shop(PERSON, bill, rules=RULE % what)).node(ref("bill"))
        assert node.erase is not None
        [street] = [each for each in node.erase.fields if each.action is FieldAction.RETAIN]
        assert street.field == "street"
        assert street.masking is not None  # once the rule has run out
        [rule] = street.retentions
        assert (rule.rule, rule.citation) == ("tax", "Art. 1")
        assert rule.start == FieldRef("shop", "bill", "day")


def test_a_date_in_another_table_keeps_a_field_without_an_end() -> None:
    bill = table("bill", KEY, link("person_id", "person.id"), "{name: day, data_categories: [system]}")
    line = table("line", KEY, link("bill_id", "bill.id"), STREET)
    node = plan(shop(PERSON, bill, line, rules=RULE % "fields: [line.street]")).node(ref("line"))
    assert node.erase is not None
    [street] = [each for each in node.erase.fields if each.action is FieldAction.RETAIN]
    [rule] = street.retentions
    assert rule.start is None


def test_erase_after_is_respected_and_gives_way_to_references() -> None:
    bill = table("bill", KEY, link("person_id", "person.id"), meta="erase_after: [shop.note]")
    note = table("note", KEY, link("person_id", "person.id"))
    assert plan(shop(PERSON, note, bill)).erase_order == (ref("note"), ref("bill"), ref("person"))
    other = table("bill", KEY, link("person_id", "person.id"))
    assert plan(shop(PERSON, note, other)).erase_order == (ref("bill"), ref("note"), ref("person"))
    contrary = table("bill", KEY, link("person_id", "person.id"), meta="erase_after: [shop.person]")
    assert plan(shop(PERSON, contrary)).erase_order == (ref("bill"), ref("person"))


def test_what_the_map_takes_out_is_left_alone() -> None:
    made = plan(shop(PERSON, table("log", KEY, link("person_id", "person.id"), STREET, meta="skip_processing: true")))
    assert reasons(made) == {"log": ("unreachable", "skip_processing")}


def test_a_plan_for_access_erases_nothing_and_the_other_way_round() -> None:
    copied = planning.plan(shop(PERSON), {"email"}, {"access"})
    assert copied.erase_order == ()
    assert [node.erase for node in copied] == [None]
    erased = planning.plan(shop(PERSON), {"email"}, {"erasure"})
    assert [node.read for node in erased] == [None]
    with pytest.raises(ValueError, match="portability"):
        planning.plan(shop(PERSON), {"email"}, {"portability"})


def test_an_identity_nobody_described_finds_nothing() -> None:
    made = plan(shop(PERSON), "device_id")
    assert made.nodes == ()
    assert reasons(made) == {"person": ("unreachable", "no_path")}


def test_after_is_respected_where_references_allow_it() -> None:
    first = table("b", KEY, link("person_id", "person.id"))
    late = table("a", KEY, link("person_id", "person.id"), meta="after: [shop.b]")
    assert [node.at.collection for node in plan(shop(PERSON, first, late))] == ["person", "b", "a"]
    early = table("a", KEY, link("person_id", "person.id"))
    assert [node.at.collection for node in plan(shop(PERSON, first, early))] == ["person", "a", "b"]


def test_identity_types_are_understood_in_any_spelling() -> None:
    phone = "{name: tel, data_categories: [user.contact.phone_number], fides_meta: {identity: phone_number}}"
    assert plan(shop(table("person", KEY, phone)), "phone").nodes
    assert plan(shop(table("person", KEY, phone)), "phone_number").identity_types == ("phone",)


def test_a_stored_plan_that_was_tampered_with_is_refused() -> None:
    stored = planning.to_dict(plan(shop(PERSON)))
    for broken in ({**stored, "extra": 1}, {**stored, "rights": ["all"]}, {**stored, "nodes": [{}]}, {}, {"nodes": 3}):
        with pytest.raises(ValueError, match=r"plan|fields|valid"):
            planning.from_dict(broken)


def test_every_sentence_is_said_in_the_readers_language() -> None:
    made = plan(shop(PERSON))
    tongue = planning.Tongue(lambda text: f"<{text}>", lambda one, many, count: f"<{one if count == 1 else many}>")
    said = [*planning.describe(made, tongue), *(each.summary for each in planning.passages(made, tongue))]
    assert said
    assert all("<" in each for each in said)
    plain = [*planning.describe(made), *(each.summary for each in planning.passages(made))]
    assert [each.replace("<", "").replace(">", "") for each in said] == plain


def test_the_officer_reads_plain_sentences() -> None:
    bill = table("bill", KEY, link("person_id", "person.id"), "{name: day, data_categories: [system]}", STREET)
    text = "\n".join(planning.describe(plan(shop(PERSON, bill, rules=RULE % "fields: [bill.street]"))))
    assert "Find the rows of shop.person where email is the person's email." in text
    assert "Find the rows of shop.bill where person_id is found in shop.person.id." in text
    assert "Keep shop.bill.street for 10 years, counted from day: law (Art. 1); then erase it." in text
    assert "Erasure goes in this order: shop.bill, shop.person." in text


def test_every_reason_has_its_words() -> None:
    assert set(planning.REASONS) == set(Reason)


def test_a_large_map_is_planned_quickly() -> None:
    import time

    tables = [
        PERSON,
        *(table(f"t{n}", KEY, link("up", f"t{n - 1}.id" if n % 7 > 1 else "person.id"), STREET) for n in range(1, 300)),
    ]
    started = time.monotonic()
    made = plan(shop(*tables))
    assert len(made.nodes) == 300
    assert time.monotonic() - started < 10
