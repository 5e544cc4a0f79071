"""Decides whose rows each collection of a map holds, seen from one person; it builds no queries.

The rules, in order:
1. A collection with an identity of the person is theirs: the rows that carry it.
2. Rows that point at a row of theirs are theirs too, unless the map says or the rows show that they describe someone
   else (another kind of person; an identity of their own that cannot be compared).
3. A row that theirs point at may serve several people: shared where it holds personal data, another person's where
   it is somebody, a mere reference otherwise.
Nothing is followed from a shared, foreign or reference row.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from governance.catalogue.planning.edges import edges_of
from governance.catalogue.planning.kinds import EMPLOYEE, describes_person, holds_personal_data, person_kind
from governance.catalogue.planning.model import Excluded, Ownership, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from governance.catalogue.data_map import DataMap
    from governance.catalogue.elements import CollectionRef, FieldRef
    from governance.catalogue.planning.edges import Edge


@dataclass
class Reach:
    """What was decided: own collections with the kind of person they describe, shared ones, and all others."""

    data_map: DataMap
    identity_types: frozenset[str]
    edges: tuple[Edge, ...] = ()
    touching: dict[CollectionRef, list[Edge]] = field(default_factory=dict)
    own: dict[CollectionRef, str | None] = field(default_factory=dict)
    starts: frozenset[CollectionRef] = frozenset()
    shared: dict[CollectionRef, None] = field(default_factory=dict)
    excluded: dict[CollectionRef, Excluded] = field(default_factory=dict)

    def explicit(self, at: CollectionRef) -> str | None:
        """Return whose person the collection itself says it describes."""
        return person_kind(self.data_map.collections[at])

    def is_person(self, at: CollectionRef) -> bool:
        """Tell whether rows of the collection are somebody."""
        return describes_person(self.data_map.collections[at])

    def is_skipped(self, at: CollectionRef) -> bool:
        """Tell whether the map takes the collection out of processing."""
        return self.data_map.collections[at].skip_processing

    def children_of(self, at: CollectionRef) -> list[Edge]:
        """Return the edges whose parent rows are in the collection."""
        return [edge for edge in self.touching.get(at, ()) if edge.parent.home == at]

    def parents_of(self, at: CollectionRef) -> list[Edge]:
        """Return the edges whose child rows are in the collection."""
        return [edge for edge in self.touching.get(at, ()) if edge.child.home == at]

    def steps_from(self, at: CollectionRef) -> Iterator[tuple[Edge, CollectionRef]]:
        """Yield the edges that lead from a row to rows that may belong to the same person."""
        for edge in self.touching.get(at, ()):
            target = edge.child.home if edge.parent.home == at else edge.parent.home
            if self._leads(edge, target):
                yield edge, target

    def steps_into(self, at: CollectionRef) -> Iterator[tuple[Edge, CollectionRef]]:
        """Yield the edges that lead from an own row to rows of the collection that are the same person's."""
        for edge in self.touching.get(at, ()):
            source = edge.child.home if edge.parent.home == at else edge.parent.home
            if source in self.own and self._leads(edge, at) and self.belongs(edge, source, at):
                yield edge, source

    @staticmethod
    def _leads(edge: Edge, target: CollectionRef) -> bool:
        if edge.is_loop:
            return False  # never from one person to another of the same table
        return edge.down if edge.child.home == target else edge.one_to_one and edge.up

    def belongs(self, edge: Edge, source: CollectionRef, target: CollectionRef) -> bool:
        """Tell whether rows of target found from an own row of source belong to the same person."""
        theirs, ours = self.explicit(target), self.own[source]
        if theirs is not None and ours is not None:
            return theirs == ours
        if ours == EMPLOYEE and self._handled_for_others(edge, target):
            return False
        return target in self.starts or not self._incomparable(target)

    def _handled_for_others(self, edge: Edge, target: CollectionRef) -> bool:
        """Tell whether staff merely handle the row: it points at another kind of person as well."""
        parents = {other.parent.home for other in self.parents_of(target) if other != edge}
        return any(self.is_person(each) and self.explicit(each) != EMPLOYEE for each in parents - {edge.parent.home})

    def _incomparable(self, target: CollectionRef) -> bool:
        """Tell whether rows name somebody by an identity that nothing we know of the person can be compared with."""
        types = {item.identity for item in self.data_map.collections[target].fields if item.identity}
        return bool(types) and self.explicit(target) is None and not types & self.known_types()

    def known_types(self) -> frozenset[str]:
        """Return the identity types given, and those that the person's own first rows will tell."""
        told = (item.identity for at in self.starts for item in self.data_map.collections[at].fields)
        return self.identity_types | {each for each in told if each}


def reach(data_map: DataMap, identity_types: frozenset[str]) -> Reach:
    """Decide for every collection of the map whose rows it holds."""
    found = Reach(data_map, identity_types, edges_of(data_map))
    for edge in found.edges:
        for at in {edge.child.home, edge.parent.home}:
            found.touching.setdefault(at, []).append(edge)
    _start(found)
    _follow_own(found)
    _look_up(found)
    _name_the_rest(found)
    return found


def _start(found: Reach) -> None:
    starts = [
        at
        for at, home in found.data_map
        if not home.skip_processing and any(item.identity in found.identity_types for item in home.fields)
    ]
    found.starts = frozenset(starts)
    found.own.update((at, found.explicit(at)) for at in starts)


def _follow_own(found: Reach) -> None:
    queue = deque(found.own)
    while queue:
        source = queue.popleft()
        for edge, target in found.steps_from(source):
            if target in found.own or found.is_skipped(target):
                continue
            if found.belongs(edge, source, target):
                found.own[target] = found.explicit(target) or found.own[source]
                queue.append(target)
            else:
                via = edge.child if edge.parent.home == source else edge.parent
                _exclude(found, target, Ownership.OTHER_PERSON, Reason.ANOTHER_PERSON, via)


def _look_up(found: Reach) -> None:
    """Judge the rows that own rows point at, many to one."""
    for source in found.own:
        for edge in found.parents_of(source):
            target = edge.parent.home
            if target in found.own or found.is_skipped(target):
                continue
            ownership, reason = _pointed_at(found, source, target)
            if ownership is not Ownership.SHARED:
                _exclude(found, target, ownership, reason, edge.child)
            elif edge.up:
                found.shared[target] = None
                found.excluded.pop(target, None)


def _pointed_at(found: Reach, source: CollectionRef, target: CollectionRef) -> tuple[Ownership, Reason]:
    theirs, ours = found.explicit(target), found.own[source]
    if found.is_person(target) or (theirs is not None and theirs != ours):
        return Ownership.OTHER_PERSON, Reason.ANOTHER_PERSON
    if holds_personal_data(found.data_map.collections[target]):
        return Ownership.SHARED, Reason.SHARED
    return Ownership.REFERENCE, Reason.NOT_PERSONAL


def _exclude(found: Reach, at: CollectionRef, ownership: Ownership, reason: Reason, via: FieldRef | None) -> None:
    """Note the first, and for another person the weightiest, reason to leave a collection alone."""
    known = found.excluded.get(at)
    if known is None or (known.ownership is not Ownership.OTHER_PERSON and ownership is Ownership.OTHER_PERSON):
        found.excluded[at] = Excluded(at, ownership, reason, via)


def _name_the_rest(found: Reach) -> None:
    for at, home in found.data_map:
        if at in found.own:
            found.excluded.pop(at, None)
            continue
        if home.skip_processing:
            _exclude(found, at, Ownership.UNREACHABLE, Reason.SKIPPED, None)
        elif at not in found.shared:
            behind = any(edge.parent.home in found.shared for edge in found.parents_of(at))
            beyond = any(edge.child.home in found.shared for edge in found.children_of(at))
            reason = Reason.BEHIND_SHARED if behind or beyond else Reason.NO_PATH
            _exclude(found, at, Ownership.UNREACHABLE, reason, None)
    for at in [each for each in found.shared if found.excluded.get(each)]:
        # Two roads lead to it and one says it is somebody else: then it is.
        if found.excluded[at].ownership is Ownership.OTHER_PERSON:
            del found.shared[at]
