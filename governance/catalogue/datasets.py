"""Keeps imported dataset descriptions and gives the data map made of them; it reads no connected system."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from governance import audit
from governance.catalogue.data_map import DataMap, combine
from governance.catalogue.fideslang import parse
from governance.errors import Conflict, InvalidDataset
from governance.models import Controller, Dataset, System
from governance.policy.vocabulary import AuditType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from governance.catalogue.elements import Problem
    from governance.policy.principal import Principal


@transaction.atomic(durable=True)
def import_text(controller: Controller, system: System, text: str, *, principal: Principal) -> list[Dataset]:
    """Keep every dataset of the YAML text, replacing earlier versions of the same keys; raises InvalidDataset.

    An unchanged text changes nothing. A key that describes another system raises Conflict.
    """
    described = parse(text).data_map.datasets
    if not described:
        raise InvalidDataset(gettext("The file describes no dataset; start it with dataset: and a list."))
    digest = sha256(text.encode()).hexdigest()
    kept = {
        row.key: row
        for row in Dataset.objects.select_for_update().filter(controller=controller, key__in=[d.key for d in described])
    }
    if any(row.system_id != system.pk for row in kept.values()):
        raise Conflict(gettext("A dataset with this fides_key describes another system; choose another fides_key."))
    stored = []
    for dataset in described:
        row = kept.get(dataset.key) or Dataset(controller=controller, system=system, key=dataset.key, version=0)
        if row.digest != digest:
            row.name, row.source, row.digest = dataset.name[:200], text, digest
            row.version, row.imported_at = row.version + 1, timezone.now()
            row.save()
            _record(row, len(dataset.collections), principal)
        stored.append(row)
    return stored


def data_map(controller: Controller) -> DataMap:
    """Give the map of every dataset of the controller, references between datasets included; one query."""
    rows = Dataset.objects.filter(controller=controller, system__disabled_at__isnull=True).order_by("key")
    return map_of(list(rows))


def map_of(rows: Sequence[Dataset]) -> DataMap:
    """Give the map that these rows describe together."""
    return combine(*(_one(row.source, row.digest, row.key) for row in rows))


def problems(controller: Controller) -> list[Problem]:
    """Say what is wrong with the whole map of the controller, errors first."""
    return data_map(controller).check()


def systems_of(controller: Controller) -> dict[str, System]:
    """Give the system that holds each dataset, by dataset key; one query."""
    rows = Dataset.objects.filter(controller=controller, system__disabled_at__isnull=True).select_related("system")
    return {row.key: row.system for row in rows}


@lru_cache(maxsize=256)
def _parsed(_digest: str, source: str) -> DataMap:
    return parse(source).data_map


def _one(source: str, digest: str, key: str) -> DataMap:
    """Take the part of a file that one dataset row stands for: the dataset and its retention rules."""
    whole = _parsed(digest, source)
    return DataMap(
        tuple(each for each in whole.datasets if each.key == key),
        tuple(rule for rule in whole.rules if rule.dataset == key),
    )


def _record(row: Dataset, collections: int, principal: Principal) -> None:
    audit.record(
        AuditType.DATASET_IMPORTED,
        actor=principal,
        controller_id=row.controller_id,
        object_ref=f"dataset:{row.pk.hex}",
        details={"system": row.system.key, "dataset": row.key, "version": row.version, "collections": collections},
    )
