"""Puts names in an order that respects what must come first, and says which wishes a cycle made it drop; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    T = TypeVar("T", bound=Hashable)
else:
    T = TypeVar("T")


def ordered(
    items: Sequence[T],
    must: Mapping[T, AbstractSet[T]],
    wish: Mapping[T, AbstractSet[T]],
    may_start: Callable[[T, AbstractSet[T]], bool] = lambda _item, _placed: True,
) -> tuple[T, ...]:
    """Order items so that whatever each `must` and would `wish` to come after is before it, where there is no cycle.

    In a cycle wishes give way first, then the first item that `may_start`. Ties keep the order given: deterministic.
    """
    waiting = list(dict.fromkeys(items))
    inside = set(waiting)
    placed: dict[T, None] = {}

    def unmet(item: T, needs: Mapping[T, AbstractSet[T]]) -> bool:
        return any(other in inside and other not in placed and other != item for other in needs.get(item, ()))

    while waiting:
        chosen = next((each for each in waiting if not unmet(each, must) and not unmet(each, wish)), None)
        if chosen is None:
            chosen = next((each for each in waiting if not unmet(each, must)), None)
        if chosen is None:
            chosen = next((each for each in waiting if may_start(each, placed.keys())), waiting[0])
        placed[chosen] = None
        waiting.remove(chosen)
    return tuple(placed)
