"""Turns the references of a data map into edges from child rows to parent rows; decides nothing about owners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from governance.catalogue.elements import CollectionRef, Direction, FieldRef

if TYPE_CHECKING:
    from collections.abc import Iterator

    from governance.catalogue.data_map import DataMap
    from governance.catalogue.elements import Collection, Reference


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """Many rows at `child` point at one row at `parent`; `down` and `up` say which way the map lets us go."""

    child: FieldRef
    parent: FieldRef
    one_to_one: bool
    down: bool
    up: bool

    @property
    def is_loop(self) -> bool:
        """Whether the collection points at itself, such as a manager or a referring friend."""
        return self.child.home == self.parent.home


def edges_of(data_map: DataMap) -> tuple[Edge, ...]:
    """Return every edge of the map in a fixed order, one per pair of fields however often it was written."""
    merged: dict[tuple[FieldRef, FieldRef], Edge] = {}
    for at, home in data_map:
        for edge in _edges_from(data_map, at, home):
            pair = (edge.child, edge.parent)
            first = merged.get(pair, edge)
            merged[pair] = Edge(*pair, edge.one_to_one, first.down or edge.down, first.up or edge.up)
    return tuple(sorted(merged.values()))


def _edges_from(data_map: DataMap, at: CollectionRef, home: Collection) -> Iterator[Edge]:
    for item in home.fields:
        here = FieldRef(at.dataset, at.collection, item.name)
        for reference in item.references:
            target = data_map.collection(reference.target.home)
            if target is None or all(each.name != reference.target.field for each in target.fields):
                continue  # described nowhere, or nested in a column: check() says so
            yield _edge(here, home, reference, target)


def _edge(here: FieldRef, home: Collection, reference: Reference, target: Collection) -> Edge:
    """Tell parent from child: the side whose whole primary key is the field is the one row of many-to-one."""
    mine_is_key = home.primary_key == (here.field,)
    theirs_is_key = target.primary_key == (reference.target.field,)
    inward = reference.direction in (None, Direction.FROM)
    outward = reference.direction in (None, Direction.TO)
    if mine_is_key and not theirs_is_key:
        return Edge(reference.target, here, one_to_one=False, down=outward, up=inward)
    both = mine_is_key and theirs_is_key
    return Edge(here, reference.target, one_to_one=both, down=inward, up=outward)
