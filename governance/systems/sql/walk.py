"""Walks a whole plan over several systems in one go, keeping nothing: for dry runs and tests; steps are elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from governance.catalogue.planning import Ownership

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from governance.catalogue.elements import CollectionRef
    from governance.catalogue.planning import Plan
    from governance.systems.sql.results import Located, Outcome
    from governance.systems.sql.system import SqlSystem


def locate_all(
    plan: Plan, systems: Mapping[str, SqlSystem], identities: Mapping[str, Sequence[str]]
) -> dict[CollectionRef, Located]:
    """Find all rows of a plan; `systems` are open ones by dataset key."""
    found: dict[CollectionRef, Located] = {}
    for node in plan:
        found[node.at] = systems[node.at.dataset].locate(node, identities, found)
    return found


def settle_shares(
    plan: Plan, systems: Mapping[str, SqlSystem], found: Mapping[CollectionRef, Located]
) -> tuple[dict[CollectionRef, Located], dict[CollectionRef, dict[str, tuple[Any, ...]]]]:
    """Settle every shared collection: the rows to erase per collection, and per own collection the pointers to cut."""
    rows = dict(found)
    unlink: dict[CollectionRef, dict[str, tuple[Any, ...]]] = {}
    for node in plan:
        if node.ownership is Ownership.SHARED:
            system = systems[node.at.dataset]
            datasets = {key for key, each in systems.items() if each is system}
            shared = system.share(node, found[node.at], plan=plan, found=found, datasets=datasets)
            rows[node.at] = shared.located
            for at, values in shared.unlink.items():
                unlink.setdefault(at.home, {})[at.field] = (*unlink.get(at.home, {}).get(at.field, ()), *values)
    return rows, unlink


def erase_all(
    plan: Plan,
    systems: Mapping[str, SqlSystem],
    found: Mapping[CollectionRef, Located],
    *,
    seed: bytes,
    instant: datetime,
) -> dict[CollectionRef, dict[str, tuple[Outcome, ...]]]:
    """Erase all rows of a plan in its order; one transaction a collection."""
    rows, unlink = settle_shares(plan, systems, found)
    return {
        at: systems[at.dataset].erase(plan.node(at), rows[at], seed=seed, instant=instant, unlink=unlink.get(at))
        for at in plan.erase_order
    }
