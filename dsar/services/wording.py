"""Plans and outcomes in words for people: what is withheld, what was deleted, what stays until when; names only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from dsar.deadlines import in_words
from governance.catalogue.planning import REASONS, Ownership

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dsar.models import FieldOutcome, SubjectRequest
    from governance.catalogue.planning import Node, Plan


#: Why an erasure is held, as it stands in letters and on pages.
HOLD_WORDS: Final = {
    "legal_claim": _("Needed for a legal claim"),
    "legal_duty": _("A law obliges us to keep it"),
    "investigation": _("An investigation is going on"),
}


#: Why a legal hold on a person keeps everything, in the same places.
PERSON_HOLD_WORDS: Final = {
    "legal_claim": _("Needed for a legal claim"),
    "legal_obligation": _("A law obliges us to keep it"),
    "authority_order": _("An authority told us to keep it"),
    "subject_asked": _("You asked us to keep it for now"),
}


@dataclass(frozen=True, slots=True)
class Unseen:
    """Something that is not given out, and why."""

    what: str
    reason: str


def withheld_in(made: Plan) -> list[Unseen]:
    """Say what a plan withholds from the person's copy."""
    found = [each for node in made.nodes for each in withheld_at(node)]
    found += [
        Unseen(str(each.at), REASONS[each.reason]) for each in made.excluded if each.ownership is Ownership.OTHER_PERSON
    ]
    return list(dict.fromkeys(found))


def withheld_at(node: Node) -> Iterator[Unseen]:
    """Yield what is withheld from one collection."""
    for each in node.withheld:
        what = f"{node.at.collection}.{each.field}"
        target = f"{what} (the record of {each.target.collection} it leads to)" if each.target else what
        yield Unseen(target, REASONS[each.reason])
    for each in node.read.withheld if node.read else ():
        yield Unseen(f"{node.at.collection}.{each.field}", REASONS[each.reason])


def category_label(category: str) -> str:
    """Say a data category in words: user.contact.address.city is contact address city."""
    return category.removeprefix("user.").replace(".", " ").replace("_", " ")


def erased_words(outcomes: Iterable[FieldOutcome]) -> list[str]:
    """List what was erased, one line a collection."""
    return _by_collection(each for each in outcomes if each.outcome == "erased")


def retained_words(outcomes: Iterable[FieldOutcome]) -> list[str]:
    """List what is kept, why and until when, one line for each reason in a collection."""
    lines: dict[tuple[str, str, str, object], list[str]] = {}
    for each in outcomes:
        if each.outcome == "retained":
            lines.setdefault((each.collection, each.reason, each.citation, each.until), []).append(each.field)
    return [
        f"{collection} ({', '.join(fields)}): {reason.rstrip('.')}{f' ({citation})' if citation else ''}"
        f"{f', until {in_words(until)}' if until else ''}"
        for (collection, reason, citation, until), fields in lines.items()
    ]


def failed_words(outcomes: Iterable[FieldOutcome]) -> list[str]:
    """List what could not be erased yet."""
    return _by_collection(each for each in outcomes if each.outcome == "failed")


def right_words(request: SubjectRequest) -> str:
    """Name the rights of a request."""
    return ", ".join(row.right.replace("_", " ") for row in request.rights.all())


def _by_collection(outcomes: Iterable[FieldOutcome]) -> list[str]:
    fields: dict[str, list[str]] = {}
    for each in outcomes:
        fields.setdefault(each.collection, []).append(each.field)
    return [f"{collection}: {', '.join(names)}" for collection, names in fields.items()]
