"""The demonstration company: makes whatever is missing of it, in an order that may be interrupted anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.utils import timezone

from config.demo import backlog, filling, histories, requests, staff
from config.demo.people import person
from consent import services as consent
from consent.models import NoticeRevision
from dsar.models import SubjectRequest
from governance import subjects
from governance.access import service_keys
from governance.audit import sequencer
from governance.catalogue import datasets, purposes
from governance.keys import index_keys
from governance.models import BlindIndex, Brand, Controller, DataSubject, Purpose, ServiceAccount
from governance.policy.principal import operator
from governance.policy.vocabulary import Role
from governance.systems import registering

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from config.demo.people import Person
    from governance.policy.principal import Principal

SLUG: Final = "larkspur"
PEOPLE: Final = 500
#: The requests are made for the first few dozen.
FEWEST: Final = 60
SEED: Final = 1815

#: The account made last: where it is, everything before it is there too.
_LAST_SERVICE: Final = "demo-reports"
_CHUNK: Final = 500
_RESTRICTED: Final = (50, 51)
_PURPOSES: Final[tuple[dict[str, Any], ...]] = (
    {
        "key": "newsletter",
        "name": "Newsletter",
        "description": "News and offers about once a month.",
        "lawful_basis": "consent",
        "channels": ["email", "sms"],
        "direct_marketing": True,
        "data_categories": ["user.contact.email"],
    },
    {
        "key": "personalisation",
        "name": "Suggestions for you",
        "description": "We look at what you bought to suggest what may suit you.",
        "lawful_basis": "consent",
        "data_categories": ["user.behavior.purchase_history"],
        "validity_days": 365,
    },
    {
        "key": "partners",
        "name": "Offers of our partners",
        "description": "Clubs and guides we know write to you through us; they do not get your address.",
        "lawful_basis": "consent",
        "channels": ["email"],
        "direct_marketing": True,
        "data_categories": ["user.contact.email"],
    },
    {
        "key": "delivery",
        "name": "Bringing you what you ordered",
        "description": "We need your name and address to deliver.",
        "lawful_basis": "contract",
        "channels": ["email"],
        "data_categories": ["user.name", "user.contact.address"],
    },
    {
        "key": "analytics",
        "name": "Counting visits",
        "description": "We count which pages are used, to make them better.",
        "lawful_basis": "legitimate_interest",
        "data_categories": ["user.behavior"],
    },
    {
        "key": "surveys",
        "name": "Asking how it went",
        "description": "After a purchase we ask once how satisfied you are.",
        "lawful_basis": "legitimate_interest",
        "channels": ["email"],
        "direct_marketing": True,
        "data_categories": ["user.contact.email"],
    },
)
_LETTERS: Final = (
    "{name} would like to write to you about news and offers. You can say yes or no, and change your mind at any time "
    "in the preference centre.",
    "{name} would like to write to you about news and offers, about once a month. You can say yes or no, and change "
    "your mind at any time in the preference centre or with one click in each letter.",
)
_SUGGESTIONS: Final = (
    "We would like to look at what you bought to suggest what may suit you.",
    "We would like to look at what you bought and which pages you visit to suggest what may suit you.",
)
#: Notices with their versions; a change of substance in the last one means that everybody must be asked again.
_NOTICES: Final = (
    ("larkspur-letters", "Letters from Larkspur", tuple(each.format(name="Larkspur") for each in _LETTERS), False),
    ("fernway-letters", "Letters from Fernway", tuple(each.format(name="Fernway") for each in _LETTERS), False),
    ("suggestions", "Suggestions for you", _SUGGESTIONS, True),
)


class NotADemonstration(Exception):
    """Made-up people do not belong beside real ones; the message says why this installation is none."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to make: how many people, of which seed, and whom to tell about the steps."""

    people: int = PEOPLE
    seed: int = SEED
    #: How many requests; as many as a company of this size has, when left out.
    requests: int | None = None
    progress: Callable[[str, int, int], None] = lambda _what, _done, _of: None


def seed(order: Order) -> bool:
    """Make whatever is missing; answers whether anything was made. Cheap when all is there.

    Raises NotADemonstration, OtherSeed.
    """
    if not settings.GOVERNANCE_DEMO:
        raise NotADemonstration("GOVERNANCE_DEMO is off: made-up people do not belong beside real ones")
    if _is_complete(order):
        return False
    if DataSubject.objects.exclude(controller__slug=SLUG).exists():
        raise NotADemonstration("Another company has people here: made-up people do not belong beside them")
    controller = _controller()
    principal = operator(controller.pk.hex)
    words = _words(controller, principal)
    staff.appoint(controller, principal)
    today = controller.day_of()
    with filling.filled(_folder(), order.seed, order.people, today, order.progress):
        _register(controller, order, words, principal)
    _connect(controller, principal)
    staff.give(controller, filling.STORES[0].key, principal)
    _restrict(controller, order, principal)
    _tell(controller, order, principal)
    if not ServiceAccount.objects.filter(controller=controller, name=_LAST_SERVICE).exists():
        service_keys.create_account(controller, _LAST_SERVICE, [Role.CHECKER], ["*"], principal=principal)
    _sequence()
    return True


def _is_complete(order: Order) -> bool:
    done = ServiceAccount.objects.filter(controller__slug=SLUG, name=_LAST_SERVICE).exists()
    if not done or DataSubject.objects.filter(controller__slug=SLUG).count() < order.people:
        return False
    return order.requests is None or SubjectRequest.objects.filter(controller__slug=SLUG).count() >= order.requests


def _controller() -> Controller:
    controller, _created = Controller.objects.get_or_create(
        slug=SLUG,
        defaults={
            "name": "Larkspur Outdoor",
            "is_default": not Controller.objects.filter(is_default=True).exists(),
            "contact": "privacy@larkspur.example, +49 30 23125 000",
            "authority": "the data protection authority of your country",
            "single_officer": True,
        },
    )
    for slug, name, accent in (("larkspur", "Larkspur", "#0b5563"), ("fernway", "Fernway", "#3b5b20")):
        sender = f"privacy@{slug}.example"
        Brand.objects.get_or_create(
            controller=controller, slug=slug, defaults={"name": name, "accent": accent, "sender": sender}
        )
    return controller


def _words(controller: Controller, principal: Principal) -> histories.Words:
    known = {row.key: row for row in Purpose.objects.filter(controller=controller)}
    for values in _PURPOSES:
        if values["key"] not in known:
            known[values["key"]] = purposes.create(controller, principal=principal, **values)
    notices = {}
    for key, title, texts, is_material in _NOTICES:
        there = NoticeRevision.objects.filter(notice__controller=controller, notice__key=key).count()
        for version, text in enumerate(texts[there:], start=there):
            material = is_material and version > 0
            consent.publish(
                controller, key=key, title=title, language="en", text=text, principal=principal, material=material
            )
        revisions = NoticeRevision.objects.filter(notice__controller=controller, notice__key=key)
        notices[key] = tuple(revisions.select_related("notice").order_by("version"))
    return histories.Words(known, notices)


def _register(controller: Controller, order: Order, words: histories.Words, principal: Principal) -> None:
    now = timezone.now()
    for people in _chunks(order.seed, _made(controller, order) + 1, order.people):
        told = [histories.history(order.seed, each, words, now) for each in people]
        consent.import_many(controller, told, principal=principal, verified=True)
        _sequence()
        order.progress("People and their choices", people[-1].number, order.people)


def _made(controller: Controller, order: Order) -> int:
    """Tell how many people were made before. Nobody is made twice: who was erased since must not come back."""
    made = 0
    for people in _chunks(order.seed, 1, order.people):
        known = _known(controller, people)
        if not known:
            break
        made = max(known)
    return made


def _chunks(seed_: int, first: int, last: int) -> Iterator[list[Person]]:
    return filling.chunks(seed_, first, last, _CHUNK)


def _known(controller: Controller, people: Sequence[Person]) -> list[int]:
    versions = index_keys.reload(controller.pk)
    numbers = {
        value: each.number
        for each in people
        for _label, value in index_keys.handles(versions, controller.pk, "customer_id", each.customer_id)
    }
    name = index_keys.label("customer_id")
    rows = BlindIndex.objects.filter(controller=controller, label=name, value__in=list(numbers))
    return [numbers[bytes(value)] for value in rows.values_list("value", flat=True)]


def _connect(controller: Controller, principal: Principal) -> None:
    for store in filling.STORES:
        system = registering.register(
            controller, store.key, store.name, f"sqlite:///{filling.path_of(_folder(), store)}", principal=principal
        )
        text = (Path(__file__).parent / f"{store.dataset}.yml").read_text(encoding="utf-8")
        datasets.import_text(controller, system, text, principal=principal)


def _restrict(controller: Controller, order: Order, principal: Principal) -> None:
    for number in _RESTRICTED:
        found = subjects.find(controller, [("customer_id", person(order.seed, number).customer_id)])
        if found is not None and found.status == DataSubject.Status.ACTIVE:
            subjects.restrict(found, principal=principal, ground=DataSubject.Ground.ACCURACY_CONTESTED)


def _tell(controller: Controller, order: Order, principal: Principal) -> None:
    done = 0

    def step(count: int) -> None:
        nonlocal done
        done += count
        order.progress("Requests in every state", done, len(requests.STORIES))

    requests.tell(controller, order.seed, principal, step)
    count = order.requests if order.requests is not None else backlog.wanted(order.people)
    more = max(count - len(requests.STORIES), 0)

    def fill(made: int) -> None:
        order.progress("Requests of earlier years", made, more)
        _sequence()

    backlog.fill(controller, order.seed, order.people, more, principal, fill)


def _sequence() -> None:
    """Give every event its place, so that the ledger is signed from the first page that is opened."""
    while sequencer.sequence():
        pass


def _folder() -> Path:
    return Path(settings.VAR_DIR) / "demo"
