"""Random and hand-made data maps for the tests of planning; it asserts nothing."""

from __future__ import annotations

from hypothesis import strategies as st

from governance.catalogue.data_map import Collection, CollectionRef, DataMap, Dataset, MapField, Masking, RetentionRule
from governance.catalogue.elements import Direction, FieldRef, Reference

CATEGORIES = (
    (),
    ("system.operations",),
    ("user.name",),
    ("user.contact.email",),
    ("user.contact.address.city",),
    ("user.unique_id",),
    ("employee",),
    ("user.authorization.credentials",),
    ("user.behavior",),
)
FIELDS = ("id", "a", "b", "c")


@st.composite
def data_maps(draw: st.DrawFn) -> DataMap:
    names = [f"t{index}" for index in range(draw(st.integers(1, 6)))]
    halves = [name for name in names if draw(st.booleans())]
    homes = {name: ("two" if name in halves else "one") for name in names}
    collections = {name: draw(_collections(name, homes)) for name in names}
    datasets = tuple(
        Dataset(key, key, tuple(collections[name] for name in names if homes[name] == key)) for key in ("one", "two")
    )
    rules = ()
    if draw(st.booleans()):
        name = draw(st.sampled_from(names))
        kept = FieldRef(homes[name], name, draw(st.sampled_from(FIELDS)))
        rules = (RetentionRule("tax", homes[name], "law", "", "P10Y", None, (kept,)),)
    return DataMap(datasets, rules)


@st.composite
def _collections(draw: st.DrawFn, name: str, homes: dict[str, str]) -> Collection:
    others = tuple(
        CollectionRef(homes[each], each) for each in draw(st.lists(st.sampled_from(list(homes)), max_size=1))
    )
    return Collection(
        name,
        tuple(draw(_fields(each, homes)) for each in FIELDS),
        data_subject=draw(st.sampled_from((None, None, None, "customer", "employee"))),
        strategy=draw(st.sampled_from((None, None, Masking("delete")))),
        after=others if draw(st.booleans()) else (),
        erase_after=others if draw(st.booleans()) else (),
        skip_processing=draw(st.integers(0, 9)) == 0,
    )


@st.composite
def _fields(draw: st.DrawFn, name: str, homes: dict[str, str]) -> MapField:
    references = []
    if draw(st.integers(0, 2)) == 0:
        target = draw(st.sampled_from(list(homes)))
        at = FieldRef(homes[target], target, draw(st.sampled_from(("id", "id", "a"))))
        references.append(Reference(at, draw(st.sampled_from((None, Direction.FROM, Direction.TO)))))
    return MapField(
        name,
        draw(st.sampled_from(CATEGORIES)),
        identity=draw(st.sampled_from((None, None, None, None, "email", "customer_id"))),
        primary_key=name == "id" and draw(st.integers(0, 5)) > 0,
        references=tuple(references),
    )
