"""The data map: which fields of which systems hold whose personal data; no file format, no database, no framework."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from governance.catalogue.elements import (
    Collection,
    CollectionRef,
    Dataset,
    Direction,
    FieldRef,
    MapField,
    Masking,
    Period,
    Problem,
    Reference,
    RetentionRule,
    Severity,
    is_within,
    normalise_identity,
    split_path,
)
from governance.catalogue.map_check import cross_dataset_problems, dataset_problems, rule_problems

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "Collection",
    "CollectionRef",
    "DataMap",
    "Dataset",
    "Direction",
    "FieldRef",
    "MapField",
    "Masking",
    "Period",
    "Problem",
    "Reference",
    "RetentionRule",
    "Severity",
    "combine",
    "is_within",
    "normalise_identity",
    "split_path",
]


@dataclass(frozen=True)
class DataMap:
    """Every described dataset and retention rule, put together."""

    datasets: tuple[Dataset, ...] = ()
    rules: tuple[RetentionRule, ...] = ()

    def __iter__(self) -> Iterator[tuple[CollectionRef, Collection]]:
        for dataset in self.datasets:
            for collection in dataset.collections:
                yield CollectionRef(dataset.key, collection.name), collection

    @cached_property
    def collections(self) -> Mapping[CollectionRef, Collection]:
        """Every collection by name."""
        return dict(iter(self))

    def collection(self, at: CollectionRef) -> Collection | None:
        """Return the collection of that name, or None."""
        return self.collections.get(at)

    def field(self, at: FieldRef) -> MapField | None:
        """Return the field of that name, or None."""
        home = self.collections.get(at.home)
        return home.field(at.field) if home else None

    def identity_types(self) -> frozenset[str]:
        """Return every identity type through which some collection can be searched."""
        return frozenset(item.identity for _, home in self for item in home.fields if item.identity)

    def check_within(self) -> list[Problem]:
        """Tell what is wrong inside each dataset; references into other datasets are left for `check`."""
        found = [problem for index, each in enumerate(self.datasets) for problem in dataset_problems(each, index)]
        return [*found, *rule_problems(self.datasets, self.rules)]

    def check(self) -> list[Problem]:
        """Tell everything wrong with the whole map, references between datasets included; errors come first."""
        found = [*self.check_within(), *cross_dataset_problems(self.datasets)]
        return sorted(found, key=lambda problem: problem.severity is Severity.WARNING)


def combine(*maps: DataMap) -> DataMap:
    """Put several maps together; references into another dataset find their collection now that it is known."""
    datasets = [dataset for each in maps for dataset in each.datasets]
    known = {dataset.key: frozenset(each.name for each in dataset.collections) for dataset in datasets}
    rules = tuple(rule for each in maps for rule in each.rules)
    return DataMap(tuple(_resolved(dataset, known) for dataset in datasets), rules)


def _resolved(dataset: Dataset, known: Mapping[str, frozenset[str]]) -> Dataset:
    collections = (
        replace(home, fields=tuple(_resolved_field(item, known) for item in home.fields))
        for home in dataset.collections
    )
    return replace(dataset, collections=tuple(collections))


def _resolved_field(item: MapField, known: Mapping[str, frozenset[str]]) -> MapField:
    references = tuple(replace(each, target=_resolved_target(each.target, known)) for each in item.references)
    nested = tuple(_resolved_field(each, known) for each in item.nested)
    return replace(item, references=references, nested=nested)


def _resolved_target(target: FieldRef, known: Mapping[str, frozenset[str]]) -> FieldRef:
    cut = split_path(f"{target.collection}.{target.field}", known.get(target.dataset, frozenset()))
    return FieldRef(target.dataset, *cut) if cut else target
