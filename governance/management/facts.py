"""What commands about controllers share: the options that hold facts, which controller is meant, refusals in words."""

from __future__ import annotations

from argparse import ArgumentParser, BooleanOptionalAction
from typing import TYPE_CHECKING, Any, Final

from django.core.management.base import CommandError

from governance.models import Controller

if TYPE_CHECKING:
    from collections.abc import Mapping

    from governance.errors import GovernanceError

_FACTS: Final = {
    "name": "what people know it by",
    "host": "the portal's host name, where the installation serves several controllers",
    "country": "ISO 3166-1 code: whose public holidays count; a new controller's is DE",
    "time_zone": "where its days begin; a new controller's is Europe/Berlin",
    "language": "what its pages and letters are written in; a new controller's is en",
    "contact": "how people reach a human",
    "authority": "where people may complain (GDPR Art. 77)",
}


def add_facts(parser: ArgumentParser) -> None:
    """Offer an option for each fact of a controller."""
    for name, help_ in _FACTS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", help=help_, required=False)
    parser.add_argument(
        "--single-officer", action=BooleanOptionalAction, help="only one officer works here, so nobody can be a second"
    )


def facts_in(options: Mapping[str, Any]) -> dict[str, Any]:
    """Answer the facts that were given; those that were not stay as they are."""
    return {name: options[name] for name in (*_FACTS, "single_officer") if options[name] is not None}


def controller_named(slug: str | None) -> Controller:
    """Answer a controller by its slug, or the default one; raises CommandError with the remedy."""
    # An empty slug is a variable that was not set: it means nobody, never the default controller.
    which = {"is_default": True} if slug is None else {"slug": slug}
    controller: Controller | None = Controller.objects.filter(**which).first()
    if controller is None:
        known = ", ".join(Controller.objects.order_by("slug").values_list("slug", flat=True))
        remedy = (
            f"there are: {known}" if known else "create one: manage.py create_controller SLUG --name NAME --default"
        )
        message = f"No such controller; {remedy}."
        raise CommandError(message)
    return controller


def portal_of(controller: Controller, path: str = "/privacy/") -> str:
    """Say where people find this controller, or what is missing for that."""
    if controller.host or controller.is_default:
        return f"its portal is at {controller.host}{path}"
    return f"no portal leads to it yet: manage.py change_controller {controller.slug} --host NAME"


def in_words(refused: GovernanceError) -> str:
    """Say a refusal on a terminal, field by field."""
    return "; ".join([refused.detail, *(f"{each.pointer.lstrip('/')}: {each.detail}" for each in refused.errors)])
