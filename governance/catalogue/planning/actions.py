"""Says what is read and what is erased in each located collection, and in which order; it finds no rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from governance.catalogue.elements import CollectionRef, FieldRef, Masking
from governance.catalogue.planning.kinds import is_credential, is_personal, is_personal_category, is_plain_link
from governance.catalogue.planning.model import (
    Erasing,
    FieldAction,
    FieldErasure,
    Node,
    Reading,
    Reason,
    Retention,
    RowAction,
    Withheld,
)
from governance.catalogue.planning.ordering import ordered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from governance.catalogue.data_map import DataMap
    from governance.catalogue.elements import MapField, RetentionRule
    from governance.catalogue.planning.edges import Edge

#: Decided at the column: NULL where it may be, else a value that fits.
DEFAULT_MASKING = Masking("default")


def reading(data_map: DataMap, node: Node) -> Reading:
    """Return the whole row but credentials, which are only said to be held."""
    fields = data_map.collections[node.at].fields
    kept = tuple(item.name for item in fields if not is_credential(item))
    held = tuple(Withheld(item.name, Reason.CREDENTIAL) for item in fields if is_credential(item))
    return Reading(kept, held)


def erasing(data_map: DataMap, node: Node) -> Erasing:
    """Return what happens to each field, and whether whole rows can go."""
    home = data_map.collections[node.at]
    fields = tuple(_field_erasure(data_map.rules, node, item) for item in home.fields)
    if not node.key:
        # Without a key a repeated step could reach another row that looks the same.
        kept = tuple(FieldErasure(each.field, FieldAction.KEEP, Reason.NO_PRIMARY_KEY) for each in fields)
        return Erasing(RowAction.MASK, kept, Reason.NO_PRIMARY_KEY)
    retained = any(each.action is FieldAction.RETAIN for each in fields)
    delete = home.strategy is not None and home.strategy.strategy == "delete" and not retained
    return Erasing(RowAction.DELETE if delete else RowAction.MASK, fields)


def _field_erasure(rules: Sequence[RetentionRule], node: Node, item: MapField) -> FieldErasure:
    at = FieldRef(node.at.dataset, node.at.collection, item.name)
    category = next(filter(is_personal_category, item.all_categories), "")
    reason = _reason_to_keep(item)
    masking = None if reason else item.strategy or DEFAULT_MASKING
    kept = tuple(_retention(rule, node) for rule in rules if rule.covers(at, item.all_categories))
    action = FieldAction.RETAIN if kept else FieldAction.KEEP if reason else FieldAction.MASK
    return FieldErasure(item.name, action, reason, masking, kept, category, item.length)


def _retention(rule: RetentionRule, node: Node) -> Retention:
    start = rule.start if rule.start is not None and rule.start.home == node.at else None
    return Retention(rule.key, rule.reason, rule.citation, rule.period, start)


def _reason_to_keep(item: MapField) -> Reason | None:
    checks = (
        (item.primary_key, Reason.KEY),
        (item.read_only, Reason.READ_ONLY),
        (item.strategy is not None and item.strategy.strategy == "preserve", Reason.PRESERVED),
        (item.strategy is None and is_plain_link(item), Reason.REFERENCE),
        (item.strategy is None and not is_personal(item) and not item.all_categories, Reason.NO_CATEGORY),
        (item.strategy is None and not is_personal(item), Reason.NOT_PERSONAL),
    )
    return next((reason for holds, reason in checks if holds), None)


def settle_deletes(nodes: Sequence[Node], edges: Sequence[Edge]) -> tuple[Node, ...]:
    """Mask instead of deleting where rows that stay point at the deleted ones: a cascade would take them along."""
    settled = {node.at: node for node in nodes}
    changed = True
    while changed:
        changed = False
        for edge in edges:
            parent, child = settled.get(edge.parent.home), settled.get(edge.child.home)
            if parent is None or edge.is_loop or not _deletes(parent) or (child is not None and _deletes(child)):
                continue
            settled[parent.at] = _masked_instead(parent)
            changed = True
    return tuple(settled[node.at] for node in nodes)


def _deletes(node: Node) -> bool:
    return node.erase is not None and node.erase.row is RowAction.DELETE


def _masked_instead(node: Node) -> Node:
    if node.erase is None:
        return node
    return replace(node, erase=replace(node.erase, row=RowAction.MASK, reason=Reason.STILL_REFERENCED))


def erase_order(data_map: DataMap, nodes: Sequence[Node], edges: Sequence[Edge]) -> tuple[CollectionRef, ...]:
    """Order children before the rows they point at, and respect erase_after where references allow it."""
    names = tuple(node.at for node in nodes if node.erase is not None)
    must: dict[CollectionRef, set[CollectionRef]] = {at: set() for at in names}
    for edge in edges:
        if edge.parent.home in must and edge.child.home in must and not edge.is_loop:
            must[edge.parent.home].add(edge.child.home)
    wish = {at: set(data_map.collections[at].erase_after) for at in names}
    return ordered(names, must, wish)
