"""Plans and outcomes in words for people: what is withheld, what was deleted, what stays until when; names only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from dsar.services.naming import category_words, place_words
from governance.catalogue.planning import REASONS, Ownership, Tongue

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from dsar.models import FieldOutcome, SubjectRequest
    from governance.catalogue.planning import Node, Plan


#: How a plan is said to people.
TONGUE: Final = Tongue(gettext, ngettext)
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
        Unseen(str(each.at), gettext(REASONS[each.reason]))
        for each in made.excluded
        if each.ownership is Ownership.OTHER_PERSON
    ]
    return list(dict.fromkeys(found))


def withheld_at(node: Node) -> Iterator[Unseen]:
    """Yield what is withheld from one collection, by the names an officer finds in the system."""
    for each in node.withheld:
        what = f"{node.at.collection}.{each.field}"
        leads = gettext("the record of %(place)s it leads to")
        target = f"{what} ({leads % {'place': each.target.collection}})" if each.target else what
        yield Unseen(target, gettext(REASONS[each.reason]))
    for each in node.read.withheld if node.read else ():
        yield Unseen(f"{node.at.collection}.{each.field}", gettext(REASONS[each.reason]))


@dataclass(frozen=True, slots=True)
class Told:
    """What an erasure came to, as the person reads it: one line for a place, or for a reason in a place."""

    deleted: Sequence[str]
    kept: Sequence[str]


def told(request: SubjectRequest) -> Told:
    """Tell what was deleted and what is kept, why and until when, in the words of the description."""
    rows = list(request.outcomes.filter(outcome__in=["erased", "retained"]).select_related("system"))
    ends: dict[tuple[str, ...], set[str]] = {}
    for each in rows:
        ends.setdefault(_field(each), set()).add(each.outcome)
    deleted: dict[str, list[str]] = {}
    kept: dict[tuple[str, str, str, date | None], list[str]] = {}
    for each in rows:
        place, is_split = place_words(each.system.name, each.collection), len(ends[_field(each)]) > 1
        if each.outcome == "erased":
            deleted.setdefault(place, []).append(_part(each, gettext("some records"), is_split=is_split))
        else:
            why = (place, each.reason, each.citation, each.until)
            kept.setdefault(why, []).append(_part(each, gettext("other records"), is_split=is_split))
    return Told(
        tuple(f"{place}: {_listed(words)}" for place, words in deleted.items()),
        tuple(_kept_words(*why, words) for why, words in kept.items()),
    )


def _field(row: FieldOutcome) -> tuple[str, ...]:
    return row.dataset, row.collection, row.field


def _part(row: FieldOutcome, which: str, *, is_split: bool) -> str:
    words = category_words(row.category)
    return f"{words} ({which})" if is_split else words


def _kept_words(place: str, reason: str, citation: str, until: date | None, words: Iterable[str]) -> str:
    cited = f" ({citation})" if citation else ""
    ends = gettext(", until %(date)s") % {"date": date_format(until, "j F Y")} if until else ""
    # What was kept and why is stored as it was decided, in the words that are translated here.
    return f"{place}: {_listed(words)}. {gettext(reason).rstrip('.')}{cited}{ends}"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(words))
