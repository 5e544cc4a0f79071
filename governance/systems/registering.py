"""Registers connected systems, and compares descriptions with what a system really has; carries nothing out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils.translation import gettext

from governance import audit, vault
from governance.catalogue import datasets
from governance.catalogue.fideslang import parse
from governance.errors import BadInput, FieldError, InvalidDataset, SystemRefused, SystemUnavailable
from governance.fields import Scope
from governance.models import Controller, Dataset, System
from governance.policy.principal import worker
from governance.policy.vocabulary import AuditType, RevealPurpose
from governance.systems.addresses import require_foreign

if TYPE_CHECKING:
    from governance.catalogue.data_map import DataMap
    from governance.policy.principal import Principal
    from governance.systems.sql import Finding

_KEY: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_LONGEST_NAME: Final = 120
_LONGEST_URL: Final = 1000


@transaction.atomic(durable=True)
def register(controller: Controller, key: str, name: str, url: str, *, principal: Principal) -> System:
    """Register a system, or give a registered one a new name and address; the address is sealed at once.

    Raises BadInput naming each field. The system is not called: it may be down today.
    """
    _require_usable(key, name, url)
    system = System.objects.select_for_update().filter(controller=controller, key=key).first()
    change = "changed" if system else "registered"
    system = system or System(controller=controller, key=key, kind=System.Kind.SQL)
    scope = Scope(controller.pk.hex, "controller", controller.pk.hex)
    system.name, system.disabled_at = name.strip(), None
    system.url = vault.seal(url.strip(), label="system.url", scope=scope)
    system.save()
    audit.record(
        AuditType.SYSTEM_CHANGED,
        actor=principal,
        controller_id=controller.pk,
        object_ref=f"system:{system.pk.hex}",
        details={"change": change, "key": key, "kind": system.kind},
    )
    return system


def describe(
    controller: Controller, system_key: str, text: str, *, principal: Principal
) -> tuple[list[Dataset], list[str]]:
    """Import a description after comparing it with the system; answers what to look at again.

    Raises InvalidDataset where the system has no such table or column. A system that does not answer now is no reason
    to refuse: the answer says that it was not compared. Call outside any transaction.
    """
    system = System.objects.filter(controller=controller, key=system_key, disabled_at=None).first()
    if system is None:
        complaint = FieldError("/system", gettext("No system has this key; register it first"))
        raise BadInput(gettext("The description names no system"), errors=[complaint])
    read = parse(text)
    warnings = [problem.detail for problem in read.warnings]
    findings = compare(system, read.data_map)
    if findings is None:
        warnings.append(gettext("The system did not answer, so the description was not compared with it."))
    blocking = [each for each in findings or () if each.blocks]
    if blocking:
        raise InvalidDataset(
            gettext("The description and the system differ"), errors=_field_errors(read.data_map, blocking)
        )
    warnings += [each.detail for each in findings or ()]
    return datasets.import_text(controller, system, text, principal=principal), list(dict.fromkeys(warnings))


def compare(system: System, data_map: DataMap) -> list[Finding] | None:
    """Compare a description with the system it describes; None where the system does not answer."""
    from governance.systems.sql.system import SqlSystem  # noqa: PLC0415  # loads SQLAlchemy

    address = vault.reveal(
        system.url,
        principal=worker(system.controller_id.hex),
        purpose=RevealPurpose.SYSTEM_CONNECTION,
        object_ref=f"system:{system.pk.hex}",
    )
    try:
        with SqlSystem(str(address)) as opened:
            return [finding for dataset in data_map.datasets for finding in opened.check(dataset)]
    except (SystemUnavailable, SystemRefused):
        return None


def _field_errors(data_map: DataMap, findings: list[Finding]) -> list[FieldError]:
    places = {
        home.name: f"/dataset/{index}/collections/{number}"
        for index, dataset in enumerate(data_map.datasets)
        for number, home in enumerate(dataset.collections)
    }
    return [FieldError(places.get(each.collection, ""), each.detail) for each in findings]


def _require_usable(key: str, name: str, url: str) -> None:
    errors = []
    if not _KEY.fullmatch(key):
        errors.append(FieldError("/key", gettext("Use small letters, digits and hyphens, 64 at most")))
    if not name.strip() or len(name) > _LONGEST_NAME:
        errors.append(FieldError("/name", gettext("Give a name of 1 to %(most)s characters") % {"most": _LONGEST_NAME}))
    if len(url) > _LONGEST_URL or not url.strip():
        errors.append(
            FieldError("/url", gettext("Give an address of 1 to %(most)s characters") % {"most": _LONGEST_URL})
        )
    else:
        errors += _address_errors(url)
    if errors:
        raise BadInput(gettext("The system cannot be registered as it is"), errors=errors)


def _address_errors(url: str) -> list[FieldError]:
    from governance.systems.sql.engine import Limits, open_engine  # noqa: PLC0415  # loads SQLAlchemy

    try:
        open_engine(url.strip(), Limits()).dispose()
        require_foreign(url.strip())
    except SystemRefused as refused:
        # The address holds a password: the complaint is our own sentence, never the driver's.
        return [FieldError("/url", refused.detail)]
    return []
