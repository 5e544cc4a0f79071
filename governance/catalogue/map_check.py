"""What can be wrong in a data map, as problems that name the place and the remedy; it changes nothing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from governance.catalogue.elements import (
    Collection,
    Dataset,
    FieldRef,
    MapField,
    Period,
    Problem,
    RetentionRule,
    Severity,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


def _warning(pointer: str, detail: str) -> Problem:
    return Problem(pointer, detail, Severity.WARNING)


def repeated(names: Iterable[str]) -> frozenset[str]:
    """Return the names that occur more than once."""
    return frozenset(name for name, count in Counter(names).items() if count > 1)


def dataset_problems(dataset: Dataset, index: int) -> Iterator[Problem]:
    """Tell what is wrong inside one dataset, the index-th of its map."""
    at = f"/dataset/{index}"
    for name in sorted(repeated(each.name for each in dataset.collections)):
        yield Problem(f"{at}/collections", f"The collection {name} is described twice; keep one.")
    for number, home in enumerate(dataset.collections):
        yield from _collection_problems(dataset, home, f"{at}/collections/{number}")


def _collection_problems(dataset: Dataset, home: Collection, at: str) -> Iterator[Problem]:
    for name in sorted(repeated(item.name for item in home.fields)):
        yield Problem(f"{at}/fields", f"The field {name} of {home.name} is described twice; keep one.")
    if not home.primary_key:
        detail = (
            f"{home.name} has no field with fides_meta.primary_key; its rows cannot be erased safely. Mark the key."
        )
        yield _warning(f"{at}/fields", detail)
    known = {each.name for each in dataset.collections}
    for label in ("after", "erase_after"):
        for other in getattr(home, label):
            if other.dataset == dataset.key and other.collection not in known:
                yield Problem(f"{at}/fides_meta/{label}", f"{home.name}: {other} is not described in this dataset.")
    for number, item in enumerate(home.fields):
        yield from _field_problems(dataset, home, item, f"{at}/fields/{number}")


def _field_problems(dataset: Dataset, home: Collection, item: MapField, at: str) -> Iterator[Problem]:
    for number, reference in enumerate(item.references):
        if reference.target.dataset == dataset.key:
            missing = _missing(dataset, reference.target)
            if missing:
                pointer = f"{at}/fides_meta/references/{number}"
                yield Problem(pointer, f"{home.name}.{item.name} refers to {missing}, which is not described.")
    if not item.all_categories and not item.references and not item.primary_key and not item.identity:
        detail = f"{home.name}.{item.name} has no data category, so erasure leaves it alone. Give it data_categories."
        yield _warning(at, detail)
    for number, part in enumerate(item.nested):
        yield from _nested_problems(home, part, f"{at}/fields/{number}")


def _nested_problems(home: Collection, part: MapField, at: str) -> Iterator[Problem]:
    if part.identity or part.references:
        detail = f"{home.name}: rows of a SQL table are not found through the nested field {part.name}."
        yield _warning(at, detail)
    for number, inner in enumerate(part.nested):
        yield from _nested_problems(home, inner, f"{at}/fields/{number}")


def _missing(dataset: Dataset, target: FieldRef) -> str | None:
    homes = [each for each in dataset.collections if each.name == target.collection]
    if not homes:
        return f"the collection {target.collection}"
    if homes[0].field(target.field) is None:
        return f"the field {target.collection}.{target.field}"
    return None


def rule_problems(datasets: Sequence[Dataset], rules: Sequence[RetentionRule]) -> Iterator[Problem]:
    """Tell what is wrong in the retention rules."""
    known = {each.key: each for each in datasets}
    for name in sorted(repeated(f"{rule.dataset}.{rule.key}" for rule in rules)):
        yield Problem("/retention_rule", f"The rule {name} is written twice; keep one.")
    for index, rule in enumerate(rules):
        dataset = known.get(rule.dataset)
        if dataset is None:
            detail = f"The rule {rule.key} is for the dataset {rule.dataset}, which is not described."
            yield Problem(f"/retention_rule/{index}/dataset", detail)
        else:
            yield from _one_rule(dataset, rule, f"/retention_rule/{index}")


def _one_rule(dataset: Dataset, rule: RetentionRule, at: str) -> Iterator[Problem]:
    try:
        Period.parse(rule.period)
    except ValueError:
        yield Problem(f"{at}/period", f"The rule {rule.key} needs a period such as P10Y (ISO 8601).")
    if not rule.fields and not rule.categories:
        yield Problem(at, f"The rule {rule.key} covers nothing; name fields or data_categories.")
    if rule.start is None:
        yield _warning(at, f"The rule {rule.key} names no start date (from), so no end date can be told.")
    elif missing := _missing(dataset, rule.start):
        yield Problem(f"{at}/from", f"The rule {rule.key} counts from {missing}, which is not described.")
    for number, target in enumerate(rule.fields):
        if missing := _missing(dataset, target):
            yield Problem(f"{at}/fields/{number}", f"The rule {rule.key} covers {missing}, which is not described.")
        elif rule.start is not None and target.home != rule.start.home:
            detail = f"{target.collection} has no field {rule.start.field}: kept, but its end date cannot be told."
            yield _warning(f"{at}/fields/{number}", detail)


def cross_dataset_problems(datasets: Sequence[Dataset]) -> Iterator[Problem]:
    """Tell what is wrong between datasets: repeated keys, and references that lead nowhere."""
    known = {each.key: each for each in datasets}
    for name in sorted(repeated(each.key for each in datasets)):
        yield Problem("/dataset", f"The dataset {name} is described twice; keep one.")
    for index, dataset in enumerate(datasets):
        for number, home in enumerate(dataset.collections):
            at = f"/dataset/{index}/collections/{number}"
            yield from _foreign_order(known, dataset, home, at)
            for place, item in enumerate(home.fields):
                yield from _foreign_references(known, dataset, item, f"{at}/fields/{place}")


def _foreign_order(known: dict[str, Dataset], dataset: Dataset, home: Collection, at: str) -> Iterator[Problem]:
    for other in (*home.after, *home.erase_after):
        if other.dataset == dataset.key:
            continue
        target = known.get(other.dataset)
        if target is None or all(each.name != other.collection for each in target.collections):
            yield Problem(f"{at}/fides_meta", f"{home.name} is ordered after {other}, which is not described.")


def _foreign_references(known: dict[str, Dataset], dataset: Dataset, item: MapField, at: str) -> Iterator[Problem]:
    for number, reference in enumerate(item.references):
        target = reference.target
        if target.dataset == dataset.key:
            continue
        pointer = f"{at}/fides_meta/references/{number}"
        other = known.get(target.dataset)
        if other is None:
            yield Problem(pointer, f"{item.name} refers to the dataset {target.dataset}, which is not described.")
        elif missing := _missing(other, target):
            yield Problem(pointer, f"{item.name} refers to {missing} of {target.dataset}, which is not described.")
