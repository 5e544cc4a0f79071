"""Reads dataset descriptions in the fideslang YAML format, with our retention rules; it stores and plans nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from governance.catalogue.data_map import DataMap, combine
from governance.catalogue.elements import (
    Collection,
    CollectionRef,
    Dataset,
    Direction,
    FieldRef,
    MapField,
    Masking,
    Problem,
    Reference,
    RetentionRule,
    Severity,
    normalise_identity,
    split_path,
)
from governance.catalogue.shapes import Shapes, pointer
from governance.catalogue.yaml_text import load
from governance.errors import FieldError, InvalidDataset

if TYPE_CHECKING:
    from collections.abc import Mapping

_CATEGORY = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
_KEY = re.compile(r"[A-Za-z0-9_.<>\-]{1,128}")
_SUBJECT = re.compile(r"[a-z][a-z0-9_]{0,62}")


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TOP = _names("dataset retention_rule")
_DATASET = _names(
    "fides_key organization_fides_key tags name description meta data_categories data_qualifier "
    "fides_meta fidesctl_meta joint_controller retention third_country_transfers collections"
)
_COLLECTION = _names(
    "name description data_categories data_qualifier fields fides_meta fidesops_meta after erase_after "
    "retention tags meta"
)
_COLLECTION_META = _names(
    "after erase_after skip_processing masking_strategy_override partitioning data_subject redact"
)
_FIELD = _names("name description data_categories data_qualifier fides_meta fidesops_meta fields tags meta")
_FIELD_META = _names(
    "primary_key identity references data_type length read_only return_all_elements "
    "masking_strategy_override custom_request_field redact"
)
_RULE = _names("fides_key key name reason citation period from fields data_categories dataset description")
_CONFIGURATION = _names("rewrite_value length format_preservation algorithm")

#: What the format calls a strategy, and ours. Reversible encryption is no erasure, so it is not offered.
_STRATEGIES: Mapping[str, str] = {
    "null_rewrite": "null_rewrite",
    "string_rewrite": "string_rewrite",
    "random_string_rewrite": "random_string_rewrite",
    "hash": "hash",
    "hmac": "hash",
    "preserve": "preserve",
}


@dataclass(frozen=True, slots=True)
class Imported:
    """A map read from a file, and what its author should look at again."""

    data_map: DataMap
    warnings: tuple[Problem, ...] = ()


def parse(source: str | bytes) -> Imported:
    """Read a file of datasets and retention rules. Raises InvalidDataset naming every error at once."""
    shapes = Shapes()
    top = shapes.mapping(load(source), "")
    data_map = _document(shapes, top)
    # Integrity is judged only on a readable file: a broken field would otherwise be reported as missing as well.
    if all(problem.severity is Severity.WARNING for problem in shapes.problems):
        shapes.problems.extend(data_map.check_within())
    errors = tuple(FieldError(p.pointer, p.detail) for p in shapes.problems if p.severity is Severity.ERROR)
    if errors:
        raise InvalidDataset("The dataset description cannot be used; see errors.", errors=errors)
    return Imported(data_map, tuple(shapes.problems))


def _document(shapes: Shapes, top: Mapping[str, object]) -> DataMap:
    shapes.expect(top, _TOP, "")
    if not top.get("dataset") and not top.get("retention_rule"):
        shapes.refuse("", "The file describes nothing; start it with dataset: and a list.")
    datasets = tuple(_dataset(shapes, item, at) for at, item in shapes.items(top.get("dataset"), "/dataset"))
    joined = combine(DataMap(datasets))
    entries = shapes.items(top.get("retention_rule"), "/retention_rule")
    rules = tuple(_rule(shapes, item, at, joined.datasets) for at, item in entries)
    return replace(joined, rules=rules)


def _dataset(shapes: Shapes, value: object, at: str) -> Dataset:
    block = shapes.mapping(value, at)
    shapes.expect(block, _DATASET, at)
    key = shapes.text(block, "fides_key", at, required=True)
    if key and not _KEY.fullmatch(key):
        shapes.refuse(pointer(at, "fides_key"), "fides_key may hold letters, digits, _ . - only, 128 at most.")
    inherited = _categories(shapes, block, at)
    if not block.get("collections"):
        shapes.refuse(pointer(at, "collections"), "collections is missing; list the tables.")
    entries = shapes.items(block.get("collections"), pointer(at, "collections"))
    collections = tuple(_collection(shapes, item, where, (key, inherited)) for where, item in entries)
    return Dataset(key, shapes.text(block, "name", at) or key, collections)


def _collection(shapes: Shapes, value: object, at: str, within: tuple[str, tuple[str, ...]]) -> Collection:
    dataset, inherited = within
    block = shapes.mapping(value, at)
    shapes.expect(block, _COLLECTION, at)
    name = shapes.text(block, "name", at, required=True)
    meta, meta_at = _meta(shapes, block, at)
    shapes.expect(meta, _COLLECTION_META, meta_at)
    categories = _categories(shapes, block, at) or inherited
    if not block.get("fields"):
        shapes.refuse(pointer(at, "fields"), f"fields is missing; list the columns of {name or 'this collection'}.")
    fields = tuple(
        _field(shapes, item, where, (dataset, categories))
        for where, item in shapes.items(block.get("fields"), pointer(at, "fields"))
    )
    return Collection(
        name,
        fields,
        data_subject=_data_subject(shapes, meta, meta_at),
        strategy=_row_masking(shapes, meta, meta_at),
        after=(*_order(shapes, meta, "after", meta_at), *_order(shapes, block, "after", at)),
        erase_after=(*_order(shapes, meta, "erase_after", meta_at), *_order(shapes, block, "erase_after", at)),
        skip_processing=shapes.flag(meta, "skip_processing", meta_at),
    )


def _meta(shapes: Shapes, block: Mapping[str, object], at: str) -> tuple[Mapping[str, object], str]:
    """Take the fides_meta block under either of its names."""
    name = "fides_meta" if block.get("fides_meta") is not None else "fidesops_meta"
    where = pointer(at, name)
    return shapes.mapping(block.get(name), where), where


def _data_subject(shapes: Shapes, meta: Mapping[str, object], at: str) -> str | None:
    text = shapes.text(meta, "data_subject", at)
    if text and not _SUBJECT.fullmatch(text):
        shapes.refuse(pointer(at, "data_subject"), "data_subject is one lower-case word, such as customer or employee.")
    return text or None


def _order(shapes: Shapes, block: Mapping[str, object], name: str, at: str) -> tuple[CollectionRef, ...]:
    found = []
    for where, text in shapes.texts(block, name, at):
        dataset, _, collection = text.partition(".")
        if collection:
            found.append(CollectionRef(dataset, collection))
        else:
            shapes.refuse(where, f"{name} names collections as dataset.collection.")
    return tuple(found)


def _categories(shapes: Shapes, block: Mapping[str, object], at: str) -> tuple[str, ...]:
    found = shapes.texts(block, "data_categories", at)
    for where, text in found:
        if not _CATEGORY.fullmatch(text):
            shapes.refuse(where, "A data category is a dotted lower-case key, such as user.contact.email.")
    return tuple(dict.fromkeys(text for _, text in found))


def _field(shapes: Shapes, value: object, at: str, within: tuple[str, tuple[str, ...]]) -> MapField:
    dataset, inherited = within
    block = shapes.mapping(value, at)
    meta, meta_at = _meta(shapes, block, at)
    _expect_field(shapes, block, meta, (at, meta_at))
    categories = _categories(shapes, block, at) or inherited
    return MapField(
        shapes.text(block, "name", at, required=True),
        categories,
        identity=_identity(shapes, meta, meta_at),
        primary_key=shapes.flag(meta, "primary_key", meta_at),
        references=_references(shapes, meta, meta_at, dataset),
        strategy=_masking(shapes, meta, meta_at),
        data_type=shapes.text(meta, "data_type", meta_at) or None,
        length=shapes.number(meta, "length", meta_at),
        read_only=shapes.flag(meta, "read_only", meta_at),
        nested=tuple(
            _field(shapes, item, where, (dataset, ()))
            for where, item in shapes.items(block.get("fields"), pointer(at, "fields"))
        ),
    )


def _expect_field(shapes: Shapes, block: Mapping[str, object], meta: Mapping[str, object], at: tuple[str, str]) -> None:
    """Warn of names one level too high or too low: common in published files, so said and not refused."""
    for name in sorted(_FIELD_META & block.keys()):
        shapes.warn(pointer(at[0], name), f"{name} is ignored here; it belongs under fides_meta.")
    for name in sorted({"data_categories"} & meta.keys()):
        shapes.warn(pointer(at[1], name), f"{name} is ignored here; it belongs one level higher.")
    shapes.expect(block, _FIELD | _FIELD_META, at[0])
    shapes.expect(meta, _FIELD_META | {"data_categories"}, at[1])


def _identity(shapes: Shapes, meta: Mapping[str, object], at: str) -> str | None:
    text = shapes.text(meta, "identity", at)
    if not text:
        return None
    identity = normalise_identity(text)
    if identity is None:
        shapes.refuse(pointer(at, "identity"), "identity is a type such as email, phone, customer_id or device_id.")
    return identity


def _references(shapes: Shapes, meta: Mapping[str, object], at: str, dataset: str) -> tuple[Reference, ...]:
    found = []
    for where, item in shapes.items(meta.get("references"), pointer(at, "references")):
        block = shapes.mapping(item, where)
        target = shapes.text(block, "dataset", where) or dataset
        path = shapes.text(block, "field", where, required=True)
        direction = shapes.text(block, "direction", where)
        if direction not in ("", *Direction):
            shapes.refuse(pointer(where, "direction"), "direction is from or to.")
            direction = ""
        cut = split_path(path, ())
        if path and cut is None:
            shapes.refuse(pointer(where, "field"), "A reference names its field as collection.field.")
        if cut:
            found.append(Reference(FieldRef(target, *cut), Direction(direction) if direction else None))
    return tuple(found)


def _row_masking(shapes: Shapes, meta: Mapping[str, object], at: str) -> Masking | None:
    where = pointer(at, "masking_strategy_override")
    block = shapes.mapping(meta.get("masking_strategy_override"), where)
    if not block:
        return None
    if shapes.text(block, "strategy", where, required=True).lower() != "delete":
        shapes.refuse(pointer(where, "strategy"), "A whole collection can only be given the strategy delete.")
    return Masking("delete")


def _masking(shapes: Shapes, meta: Mapping[str, object], at: str) -> Masking | None:
    where = pointer(at, "masking_strategy_override")
    block = shapes.mapping(meta.get("masking_strategy_override"), where)
    if not block:
        return None
    strategy = _STRATEGIES.get(shapes.text(block, "strategy", where, required=True).lower())
    if strategy is None:
        shapes.refuse(pointer(where, "strategy"), f"This strategy is not offered; use one of {', '.join(_STRATEGIES)}.")
        return None
    settings_at = pointer(where, "configuration")
    settings = shapes.mapping(block.get("configuration"), settings_at)
    shapes.expect(settings, _CONFIGURATION, settings_at)
    kept = shapes.mapping(settings.get("format_preservation"), pointer(settings_at, "format_preservation"))
    required = strategy == "string_rewrite"
    return Masking(
        strategy,
        rewrite_value=shapes.text(settings, "rewrite_value", settings_at, required=required) or None,
        length=shapes.number(settings, "length", settings_at),
        suffix=shapes.text(kept, "suffix", settings_at) or None,
    )


def _rule(shapes: Shapes, value: object, at: str, datasets: tuple[Dataset, ...]) -> RetentionRule:
    block = shapes.mapping(value, at)
    shapes.expect(block, _RULE, at)
    name = "fides_key" if block.get("fides_key") else "key"
    dataset = shapes.text(block, "dataset", at) or (datasets[0].key if len(datasets) == 1 else "")
    if not dataset:
        shapes.refuse(pointer(at, "dataset"), "dataset is missing; say which dataset the rule is for.")
    known = frozenset(home.name for each in datasets if each.key == dataset for home in each.collections)
    start = shapes.text(block, "from", at)
    fields = [_rule_field(shapes, each, dataset, known) for each in shapes.texts(block, "fields", at)]
    return RetentionRule(
        shapes.text(block, name, at, required=True),
        dataset,
        reason=shapes.text(block, "reason", at, required=True),
        citation=shapes.text(block, "citation", at),
        period=shapes.text(block, "period", at, required=True),
        start=_rule_field(shapes, (pointer(at, "from"), start), dataset, known) if start else None,
        fields=tuple(each for each in fields if each),
        categories=_categories(shapes, block, at),
    )


def _rule_field(shapes: Shapes, place: tuple[str, str], dataset: str, known: frozenset[str]) -> FieldRef | None:
    cut = split_path(place[1], known)
    if cut is None:
        shapes.refuse(place[0], "A rule names a field as collection.field.")
        return None
    return FieldRef(dataset, *cut)
