"""Purposes compiled once per process and ruleset version; the version read with each decision tells when to reload."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from uuid import UUID

from governance.models import Controller, Purpose
from governance.policy import fingerprint
from governance.policy.decide import PurposeRule


@dataclass(frozen=True, slots=True)
class Ruleset:
    """A controller's purposes at one version."""

    version: int
    purposes: Mapping[str, PurposeRule]
    #: Names roles and purposes by their content: what the ledger says a decision was made under.
    fingerprint: str


_compiled: dict[UUID, Ruleset] = {}


def cached(controller_id: UUID) -> Ruleset:
    """Answer the compiled ruleset of this process; the caller compares its version with the database's."""
    return _compiled.get(controller_id) or reload(controller_id)


def reload(controller_id: UUID) -> Ruleset:
    """Compile anew. The version is read first: a change in between shows as a newer version at the next decision."""
    version = Controller.objects.values_list("ruleset_version", flat=True).get(pk=controller_id)
    rows = Purpose.objects.filter(controller_id=controller_id)
    purposes = {row.key: compile_purpose(row) for row in rows}
    ruleset = Ruleset(version, purposes, _fingerprint(purposes))
    _compiled[controller_id] = ruleset
    return ruleset


def _fingerprint(purposes: Mapping[str, PurposeRule]) -> str:
    return fingerprint.fingerprint(
        {"roles": fingerprint.table(), "purposes": {k: asdict(v) for k, v in purposes.items()}}
    )


def compile_purpose(row: Purpose) -> PurposeRule:
    """Answer the rule of one purpose row."""
    return PurposeRule(
        id=row.pk,
        key=row.key,
        lawful_basis=row.lawful_basis,
        version=row.version,
        direct_marketing=row.direct_marketing,
        special_category=row.special_category,
        validity_days=row.validity_days,
        channels=tuple(row.channels),
        data_categories=tuple(row.data_categories),
        retired=row.retired_at is not None,
    )
