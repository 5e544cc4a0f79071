"""Planning holds its promises on any data map, however tangled."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.catalogue import planning
from governance.catalogue.planning import Ownership, RowAction
from governance.catalogue.planning.edges import edges_of
from governance.catalogue.planning.kinds import is_credential
from tests.governance.catalogue.maps import data_maps

if TYPE_CHECKING:
    from governance.catalogue.data_map import DataMap

BOTH = frozenset(("access", "erasure"))
identity_types = st.sampled_from(
    (frozenset(("email",)), frozenset(("customer_id",)), frozenset(("email", "customer_id")))
)
quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(data_maps(), identity_types)
def test_every_collection_is_planned_or_excluded_with_a_reason(data_map: DataMap, types: frozenset[str]) -> None:
    made = planning.plan(data_map, types, BOTH)
    planned, excluded = {node.at for node in made}, {each.at for each in made.excluded}
    assert planned | excluded == set(data_map.collections)
    assert not planned & excluded


@quick
@given(data_maps(), identity_types)
def test_nobody_elses_collection_is_read_or_erased(data_map: DataMap, types: frozenset[str]) -> None:
    made = planning.plan(data_map, types, BOTH)
    foreign = {each.at for each in made.excluded if each.ownership is Ownership.OTHER_PERSON}
    assert not foreign & set(made.erase_order)
    assert not foreign & {node.at for node in made}
    assert all(node.ownership in (Ownership.OWN, Ownership.SHARED) for node in made)


@quick
@given(data_maps(), identity_types)
def test_rows_are_looked_up_from_the_person_or_from_earlier_rows_of_theirs(
    data_map: DataMap, types: frozenset[str]
) -> None:
    made = planning.plan(data_map, types, BOTH)
    earlier: dict[object, planning.Node] = {}
    for node in made:
        assert node.lookups
        for lookup in node.lookups:
            if lookup.source is None:
                assert lookup.identity in types
            else:
                assert lookup.source.home != node.at
                assert earlier[lookup.source.home].ownership is Ownership.OWN
                assert lookup.source.field in earlier[lookup.source.home].links
        for guard in node.guards:
            assert all(source.home in earlier for source in guard.sources)
        earlier[node.at] = node


@quick
@given(data_maps(), identity_types)
def test_children_go_before_their_parents_where_there_is_no_cycle(data_map: DataMap, types: frozenset[str]) -> None:
    made = planning.plan(data_map, types, BOTH)
    place = {at: index for index, at in enumerate(made.erase_order)}
    assert len(place) == len(made.erase_order) == len(made.nodes)
    needs = {
        (edge.child.home, edge.parent.home)
        for edge in edges_of(data_map)
        if edge.child.home in place and edge.parent.home in place and not edge.is_loop
    }
    if not _has_cycle(needs):
        assert all(place[child] < place[parent] for child, parent in needs)


@quick
@given(data_maps(), identity_types)
def test_a_row_is_deleted_only_when_every_row_that_points_at_it_is(data_map: DataMap, types: frozenset[str]) -> None:
    made = planning.plan(data_map, types, BOTH)
    deleted = {node.at for node in made if node.erase and node.erase.row is RowAction.DELETE}
    for edge in edges_of(data_map):
        if edge.parent.home in deleted and not edge.is_loop:
            assert edge.child.home in deleted


@quick
@given(data_maps(), identity_types)
def test_credentials_are_never_read(data_map: DataMap, types: frozenset[str]) -> None:
    for node in planning.plan(data_map, types, BOTH):
        assert node.read is not None
        fields = data_map.collections[node.at].fields
        assert not {item.name for item in fields if is_credential(item)} & set(node.read.fields)


@quick
@given(data_maps(), identity_types)
def test_a_plan_survives_storage_and_is_the_same_every_time(data_map: DataMap, types: frozenset[str]) -> None:
    made = planning.plan(data_map, types, BOTH)
    stored = json.loads(json.dumps(planning.to_dict(made)))
    assert planning.from_dict(stored) == made
    assert planning.digest(planning.plan(data_map, types, BOTH)) == planning.digest(made)
    assert all(isinstance(sentence, str) and sentence.endswith(".") for sentence in planning.describe(made))


def _has_cycle(needs: set[tuple[object, object]]) -> bool:
    while needs:
        leaves = {child for child, _ in needs} - {parent for _, parent in needs}
        if not leaves:
            return True
        needs = {pair for pair in needs if pair[0] not in leaves}
    return False
