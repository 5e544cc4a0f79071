"""Controllers and their brands: set them up and change them, checked, each with its ledger row; no staff."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from unicodedata import category
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email, validate_slug
from django.db import IntegrityError, transaction
from holidays.utils import list_supported_countries

from governance import audit
from governance.access import colours
from governance.errors import BadInput, Conflict, FieldError
from governance.models import Brand, Controller
from governance.policy.principal import operator
from governance.policy.vocabulary import AuditType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.db.models import Model

    from governance.policy.principal import Principal

_HOST: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


@transaction.atomic(durable=True)
def create(slug: str, *, is_default: bool = False, **facts: Any) -> Controller:
    """Set up a controller. Raises BadInput naming each field, Conflict where slug, host or the default is taken."""
    _require({"slug": slug, **facts}, {"slug": _SLUG} | _OF_CONTROLLER)
    controller = Controller(slug=slug, is_default=is_default, **facts)
    if Controller.objects.filter(slug=slug).exists():
        raise Conflict("A controller with this slug exists")
    if is_default and Controller.objects.filter(is_default=True).exists():
        raise Conflict("There is a default controller already")
    _require_free_host(controller)
    if is_default and Controller.objects.filter(host=_own_host()).exclude(host="").exists():
        raise Conflict("Another controller has the installation's own address, which is the default controller's")
    _save(controller, force_insert=True)
    details = {"single_officer": controller.single_officer}
    _record(AuditType.CONTROLLER_CREATED, controller, controller, operator(controller.pk.hex), details)
    return controller


@transaction.atomic(durable=True)
def change(controller: Controller, *, principal: Principal, **facts: Any) -> list[str]:
    """Change a controller, and answer the fields that differ now; the ledger names them and holds no value."""
    _require(facts, _OF_CONTROLLER)
    locked = Controller.objects.select_for_update().get(pk=controller.pk)
    changed = _set(locked, facts)
    if "host" in changed:
        _require_free_host(locked)
    if changed:
        _save(locked, update_fields=changed)
        # Which way it went is told of the one fact that decides who may approve.
        details = {"single_officer": locked.single_officer} if "single_officer" in changed else {}
        _record(AuditType.CONTROLLER_CHANGED, locked, locked, principal, {"fields": changed} | details)
    return changed


@transaction.atomic(durable=True)
def show_as(controller: Controller, slug: str, *, principal: Principal, **face: Any) -> tuple[Brand, list[str]]:
    """Give a controller a brand, or an existing brand another face; answers it and the fields that differ now."""
    found = Brand.objects.select_for_update().filter(controller=controller, slug=slug).first()
    _require({"slug": slug} | face if found else {"slug": slug, "name": "", **face}, {"slug": _SLUG} | _OF_BRAND)
    brand = found or Brand(controller=controller, slug=slug)
    changed = _set(brand, face)
    if "host" in changed:
        _require_own_host(brand)
    if changed:
        _save(brand)
        _record(AuditType.BRAND_CHANGED, brand, controller, principal, {"fields": changed, "made": found is None})
    return brand, changed


def _set(row: Model, values: Mapping[str, Any]) -> list[str]:
    changed = sorted(name for name, value in values.items() if getattr(row, name) != value)
    for name in changed:
        setattr(row, name, values[name])
    return changed


def _save(row: Controller | Brand, **how: Any) -> None:
    try:
        with transaction.atomic():
            row.save(**how)
    except IntegrityError:
        # Somebody else took slug, host or default in this moment.
        raise Conflict("Another has this slug or host, or is the default, since a moment ago; look again") from None


def _require_free_host(controller: Controller) -> None:
    if not controller.host:
        return
    others = Controller.objects.exclude(pk=controller.pk)
    if others.filter(host=controller.host).exists():
        raise Conflict("Another controller's portal has this host")
    if Brand.objects.filter(host=controller.host).exists():
        raise Conflict("A brand's portal has this host")
    if controller.host == _own_host() and not controller.is_default and others.filter(is_default=True).exists():
        # Its visitors, and the links in its letters, come there: they would find somebody else's portal.
        raise Conflict("This is the installation's own address, which leads to the default controller")


def _require_own_host(brand: Brand) -> None:
    """Refuse a host under which another brand, a controller or the installation itself is found."""
    if not brand.host:
        return
    if Brand.objects.exclude(pk=brand.pk).filter(host=brand.host).exists():
        raise Conflict("Another brand's portal has this host")
    if brand.host == _own_host() or Controller.objects.filter(host=brand.host).exists():
        raise Conflict("A controller's portal has this host: its other brands are found there, too")


def _own_host() -> str:
    return urlsplit(settings.GOVERNANCE_PUBLIC_URL).hostname or ""


def _require(values: Mapping[str, Any], rules: Mapping[str, _Rule]) -> None:
    if unknown := sorted(values.keys() - rules.keys() - {"single_officer"}):
        message = f"These are not set here: {', '.join(unknown)}"
        raise BadInput(message)
    errors = [
        FieldError(f"/{name}", remedy)
        for name, (is_right, remedy) in rules.items()
        if name in values and not is_right(values[name])
    ]
    if errors:
        raise BadInput("It cannot be set up like this", errors=errors)


def _passes(validator: Callable[[str], None], longest: int) -> Callable[[str], bool]:
    def check(value: str) -> bool:
        try:
            validator(value)
        except ValidationError:
            return False
        return len(value) <= longest

    return check


def _has_text(longest: int) -> Callable[[str], bool]:
    return lambda value: bool(value.strip()) and _is_line(longest)(value)


def _is_line(longest: int) -> Callable[[str], bool]:
    # A line break in a name would make every letter that bears it unsendable.
    return lambda value: len(value) <= longest and not _BREAKS.intersection(map(category, value))


#: Control characters, and what ends a line or a paragraph.
_BREAKS: Final = frozenset({"Cc", "Zl", "Zp"})
_COUNTRIES: Final = frozenset(list_supported_countries(include_aliases=False))
_is_address = _passes(validate_email, 254)
_LONGEST_HOST, _LONGEST_NAME, _LONGEST_LINE = 253, 120, 200
_Rule = tuple["Callable[[str], bool]", str]
_SLUG: Final[_Rule] = (_passes(validate_slug, 50), "Use letters, digits, hyphens and underscores, 50 at most")
_NAME: Final[_Rule] = (_has_text(_LONGEST_NAME), "Give a name of 1 to 120 characters, in one line")
_LINE: Final[_Rule] = (_is_line(_LONGEST_LINE), "Give 200 characters at most, in one line")
_HOST_RULE: Final[_Rule] = (
    lambda value: not value or (len(value) <= _LONGEST_HOST and bool(_HOST.fullmatch(value))),
    "Give the host name alone, in small letters, such as privacy.example.org",
)
_OF_CONTROLLER: Final[dict[str, _Rule]] = {
    "name": _NAME,
    "host": _HOST_RULE,
    "country": (
        lambda value: value in _COUNTRIES,
        "Give the two capitals of ISO 3166-1, such as DE, of a country whose public holidays are known",
    ),
    "language": (lambda value: value in dict(settings.LANGUAGES), "Give a language that the pages are written in"),
    "time_zone": (lambda value: value in available_timezones(), "Give a zone of the IANA list, such as Europe/Berlin"),
    "contact": _LINE,
    "authority": _LINE,
}
_OF_BRAND: Final[dict[str, _Rule]] = {
    "name": _NAME,
    "host": _HOST_RULE,
    "sender": (lambda value: not value or _is_address(value), "Give the address that its letters come from"),
    "accent": (
        lambda value: not value or colours.is_readable(value),
        "Give a colour as #rrggbb that is dark enough to be read on the palest grey (4.5 to 1)",
    ),
}


def _record(
    type_: AuditType, row: Controller | Brand, controller: Controller, principal: Principal, details: Mapping[str, Any]
) -> None:
    object_ref = f"{type_.value.partition('.')[0]}:{row.pk.hex}"
    audit.record(type_, actor=principal, controller_id=controller.pk, object_ref=object_ref, details=details)
