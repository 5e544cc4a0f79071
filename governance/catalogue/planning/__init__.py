"""Makes the plan of a request from the data map: what is found, read and erased, in which order; pure.

    from governance.catalogue import planning

    plan = planning.plan(data_map, frozenset({"email"}), frozenset({"access", "erasure"}))

Imports no framework and touches no system; the same map gives the same plan, byte for byte.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from governance.catalogue.elements import normalise_identity
from governance.catalogue.planning.actions import erase_order, erasing, reading, settle_deletes
from governance.catalogue.planning.codec import digest, from_dict, to_dict
from governance.catalogue.planning.describe import (
    REASONS,
    Passage,
    Tongue,
    closing,
    describe,
    passages,
    period_in_words,
)
from governance.catalogue.planning.locating import located_nodes
from governance.catalogue.planning.model import (
    CoOwner,
    Erasing,
    Excluded,
    FieldAction,
    FieldErasure,
    Guard,
    Lookup,
    Node,
    Ownership,
    Plan,
    Reading,
    Reason,
    Referrer,
    Retention,
    Right,
    RowAction,
    Withheld,
)
from governance.catalogue.planning.ownership import reach

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from governance.catalogue.data_map import DataMap
    from governance.catalogue.elements import CollectionRef

__all__ = [
    "REASONS",
    "CoOwner",
    "Erasing",
    "Excluded",
    "FieldAction",
    "FieldErasure",
    "Guard",
    "Lookup",
    "Node",
    "Ownership",
    "Passage",
    "Plan",
    "Reading",
    "Reason",
    "Referrer",
    "Retention",
    "Right",
    "RowAction",
    "Tongue",
    "Withheld",
    "closing",
    "describe",
    "digest",
    "from_dict",
    "passages",
    "period_in_words",
    "plan",
    "to_dict",
]


def plan(data_map: DataMap, identity_types: AbstractSet[str], rights: AbstractSet[str]) -> Plan:
    """Make the plan for a person known by these identity types. Raises ValueError for a right it cannot plan."""
    types = frozenset(normalise_identity(each) or each for each in identity_types)
    wanted = frozenset(Right(each) for each in rights)
    found = reach(data_map, types)
    nodes, notes = located_nodes(found)
    if Right.ACCESS in wanted:
        nodes = tuple(replace(node, read=reading(data_map, node)) for node in nodes)
    order: tuple[CollectionRef, ...] = ()
    if Right.ERASURE in wanted:
        nodes = settle_deletes([replace(node, erase=erasing(data_map, node)) for node in nodes], found.edges)
        order = erase_order(data_map, nodes, found.edges)
    excluded = tuple(sorted(found.excluded.values(), key=lambda each: each.at))
    return Plan(tuple(sorted(types)), tuple(sorted(wanted)), nodes, order, excluded, notes)
