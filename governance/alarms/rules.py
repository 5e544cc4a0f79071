"""What is unusual: the rules with their thresholds, and the statistic behind "unusual"; pure, so it reads nothing.

The limit of a person in one hour is robust, so that one wild day does not raise it for good. There is one for openings
and one for the people whose data was opened: who opens five fields of each of twenty people opens as often as who opens
one of a hundred.

    limit = max(floor, median + factor × spread),  spread = max(1, median / 10, 1.4826 × MAD)

over the hours of the last 28 days in which something was opened (the busiest sixty minutes that end in each): the
person's own hours when there are ten or more, otherwise those of everybody who holds one of the person's roles at this
controller. MAD is the median distance from the median; 1.4826 makes it comparable to a standard deviation. The floor
keeps small numbers quiet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from types import MappingProxyType
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

AFTER_HOURS = "after_hours"
BREAK_GLASS = "break_glass"
LOOK_UP_WITHOUT_REQUEST = "look_up_without_request"
MASS_EXPORT = "mass_export"
REVEAL_VOLUME = "reveal_volume"
SELF_LOOK_UP = "self_look_up"

#: So many busy hours make a person's own past; fewer say too little.
OWN_HISTORY = 10
_COMPARABLE = 1.4826


@dataclass(frozen=True, slots=True)
class Threshold:
    """One number of a rule that an officer may set, and between which bounds."""

    label: "StrPromise"
    default: int
    lowest: int
    highest: int


@dataclass(frozen=True, slots=True)
class Rule:
    """What one rule looks for, in words for the console."""

    label: "StrPromise"
    meaning: "StrPromise"
    thresholds: Mapping[str, Threshold]


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        AFTER_HOURS: Rule(
            _("Outside working hours"),
            _("Somebody looked up or opened a person's data at night, at a weekend or on a public holiday."),
            {
                "from_hour": Threshold(_("Working hours begin at"), 7, 0, 23),
                "until_hour": Threshold(_("Working hours end at"), 20, 1, 24),
            },
        ),
        BREAK_GLASS: Rule(
            _("Broken glass"),
            _("Somebody took it upon themselves to see one person's data in clear, without asking first."),
            {},
        ),
        LOOK_UP_WITHOUT_REQUEST: Rule(
            _("Look-ups without a request"),
            _("In one day somebody looked up more people than this who have no open request."),
            {
                "people": Threshold(_("People in a day"), 10, 1, 10_000),
                "request_days": Threshold(_("A request counts as open for days"), 90, 1, 3650),
            },
        ),
        MASS_EXPORT: Rule(
            _("Mass export"),
            _(
                "In one hour personal data was opened more often than this, or so much exported, whatever is usual. "
                "Exports of the whole ledger, from the command line too, raise it at every controller."
            ),
            {"people": Threshold(_("Openings in an hour, or entries in an export"), 200, 2, 1_000_000)},
        ),
        REVEAL_VOLUME: Rule(
            _("Unusually many openings"),
            _(
                "In one hour somebody opened personal data more often than is usual for them or for their role, or "
                "that of more people."
            ),
            {
                "floor": Threshold(_("Never below so many openings, or people, in an hour"), 20, 1, 10_000),
                "factor": Threshold(_("So many spreads above the median"), 6, 1, 100),
            },
        ),
        SELF_LOOK_UP: Rule(
            _("Own record"),
            _("Somebody looked up or opened their own record as a customer."),
            {},
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Settings:
    """A rule as one controller uses it."""

    is_on: bool
    values: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Limit:
    """How much is usual, and where that comes from."""

    count: int
    basis: str


def settings_of(rule: str, *, is_on: bool = True, values: Mapping[str, int] | None = None) -> Settings:
    """Answer a rule with the defaults where nothing else was set."""
    own = values or {}
    return Settings(is_on, {name: own.get(name, each.default) for name, each in RULES[rule].thresholds.items()})


def limit_of(own: Sequence[int], peers: Sequence[int], settings: Settings) -> Limit:
    """Answer how many openings in one hour, or people, are not unusual yet."""
    floor, factor = settings.values["floor"], settings.values["factor"]
    history, basis = (own, "own") if len(own) >= OWN_HISTORY else (peers, "role")
    if not history:
        return Limit(floor, "floor")
    middle = median(history)
    spread = max(1.0, middle / 10, _COMPARABLE * median(abs(each - middle) for each in history))
    usual = int(middle + factor * spread)
    return Limit(usual, basis) if usual > floor else Limit(floor, "floor")
