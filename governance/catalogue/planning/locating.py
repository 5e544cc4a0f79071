"""Builds the ordered nodes of a plan: how the rows of each reached collection are found; it reads nothing itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from governance.catalogue.elements import CollectionRef, FieldRef
from governance.catalogue.planning.kinds import EMPLOYEE
from governance.catalogue.planning.model import CoOwner, Guard, Lookup, Node, Ownership, Reason, Referrer, Withheld
from governance.catalogue.planning.ordering import ordered

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from governance.catalogue.planning.edges import Edge
    from governance.catalogue.planning.ownership import Reach


def located_nodes(found: Reach) -> tuple[tuple[Node, ...], tuple[str, ...]]:
    """Return the nodes in the order they can be located, and notes on references a cycle left unfollowed."""
    lookups = {at: _lookups(found, at) for at in (*found.own, *found.shared)}
    order = _order(found, lookups)
    nodes: list[Node] = []
    notes: list[str] = []
    placed: set[CollectionRef] = set()
    for at in order:
        usable = [each for each in lookups[at] if each.source is None or each.source.home in placed]
        if at in found.own:
            dropped = (each for each in lookups[at] if each not in usable)
            notes += [f"{at}.{each.field} is not followed back from {each.source}: a cycle." for each in dropped]
        nodes.append(_node(found, at, tuple(usable), placed))
        placed.add(at)
    return _with_links(nodes), tuple(notes)


def _lookups(found: Reach, at: CollectionRef) -> tuple[Lookup, ...]:
    if at in found.shared:
        upward = (edge for edge in found.children_of(at) if edge.up and edge.child.home in found.own)
        return tuple(Lookup(edge.parent.field, source=edge.child) for edge in upward)
    home = found.data_map.collections[at]
    looks = [Lookup(item.name, identity=item.identity) for item in home.fields if item.identity in found.identity_types]
    for edge, _ in found.steps_into(at):
        here, there = (edge.child, edge.parent) if edge.child.home == at else (edge.parent, edge.child)
        looks.append(Lookup(here.field, source=there))
    return tuple(looks)


def _order(found: Reach, lookups: dict[CollectionRef, tuple[Lookup, ...]]) -> tuple[CollectionRef, ...]:
    must = {at: {each.source.home for each in looks if each.source} for at, looks in lookups.items()}
    wish = {at: set(found.data_map.collections[at].after) for at in lookups}

    def may_start(at: CollectionRef, placed: AbstractSet[CollectionRef]) -> bool:
        return any(each.source is None or each.source.home in placed for each in lookups[at])

    return ordered(tuple(lookups), must, wish, may_start)


def _node(found: Reach, at: CollectionRef, lookups: tuple[Lookup, ...], placed: AbstractSet[CollectionRef]) -> Node:
    home = found.data_map.collections[at]
    if at in found.shared:
        referrers = tuple(Referrer(edge.child, edge.parent.field) for edge in found.children_of(at))
        return Node(at, Ownership.SHARED, home.primary_key, lookups, referrers=referrers)
    followed = any(each.source for each in lookups)
    return Node(
        at,
        Ownership.OWN,
        home.primary_key,
        lookups,
        guards=_guards(found, at, placed) if followed else (),
        co_owners=_co_owners(found, at) if followed else (),
        withheld=_withheld(found, at),
    )


def _guards(found: Reach, at: CollectionRef, placed: AbstractSet[CollectionRef]) -> tuple[Guard, ...]:
    """Guard rows found through a reference: one that names somebody else is not the person's (a ticket they handled).

    Not where the map says whose person the rows describe: then a customer's second address is still the customer's.
    """
    if found.explicit(at) is not None:
        return ()
    guards = []
    for item in found.data_map.collections[at].fields:
        if item.identity is not None:
            sources = tuple(
                FieldRef(other.dataset, other.collection, each.name)
                for other in found.own
                if other in placed and other in found.starts
                for each in found.data_map.collections[other].fields
                if each.identity == item.identity
            )
            if sources or item.identity in found.identity_types:
                guards.append(Guard(item.name, item.identity, sources))
    return tuple(guards)


def _co_owners(found: Reach, at: CollectionRef) -> tuple[CoOwner, ...]:
    """Return the fields through which rows belong to people, where there are several (a sender and a receiver)."""
    edges = [
        edge
        for edge in found.parents_of(at)
        if not edge.is_loop and not edge.one_to_one and found.is_person(edge.parent.home)
    ]
    kind = found.explicit(at)
    if kind is not None:
        edges = [edge for edge in edges if found.explicit(edge.parent.home) in (None, kind)]
    elif any(found.explicit(edge.parent.home) != EMPLOYEE for edge in edges):
        edges = [edge for edge in edges if found.explicit(edge.parent.home) != EMPLOYEE]
    if at in found.starts:
        # Rows that name the person themselves have other owners only where they stand between people we know of:
        # a message between two of them, not a person who points at a guardian and a physician.
        edges = [edge for edge in edges if edge.parent.home in found.own]
        between = Counter(edge.parent.home for edge in edges)
        edges = [edge for edge in edges if between[edge.parent.home] > 1]
    if len({edge.child.field for edge in edges}) < 2:
        return ()
    return tuple(CoOwner(edge.child.field, edge.parent) for edge in edges)


def _withheld(found: Reach, at: CollectionRef) -> tuple[Withheld, ...]:
    """Return the references that lead to somebody else and are therefore not followed."""
    return tuple(
        Withheld(edge.child.field, Reason.ANOTHER_PERSON, edge.parent.home)
        for edge in found.parents_of(at)
        if not edge.one_to_one and _leads_away(found, at, edge)
    )


def _leads_away(found: Reach, at: CollectionRef, edge: Edge) -> bool:
    target = edge.parent.home
    if edge.is_loop:
        return found.is_person(at)
    excluded = found.excluded.get(target)
    if excluded is not None:
        return excluded.ownership is Ownership.OTHER_PERSON
    down = target in found.own and edge.down and found.belongs(edge, target, at)
    return target in found.own and found.is_person(target) and not down


def _with_links(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """Note on every node the fields whose values a later step needs, so that only those are read."""
    needed: dict[CollectionRef, dict[str, None]] = {}
    for node in nodes:
        sources = [each.source for each in node.lookups if each.source]
        sources += [source for guard in node.guards for source in guard.sources]
        sources += [each.source for each in node.co_owners]
        for source in sources:
            needed.setdefault(source.home, {})[source.field] = None
        for referrer in node.referrers:
            needed.setdefault(node.at, {})[referrer.target] = None
    return tuple(replace(node, links=tuple(needed.get(node.at, ()))) for node in nodes)
