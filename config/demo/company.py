"""The demonstration company: a controller with purposes, a notice, people with choices, one system, one officer."""

from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from config.demo import crm
from consent import services as consent
from consent.lifecycle import State
from consent.models import NoticeRevision
from governance.access import grants
from governance.catalogue import datasets, purposes
from governance.models import Brand, Controller, Dataset, Purpose, StaffUser
from governance.policy.principal import Principal, operator
from governance.policy.vocabulary import Role
from governance.systems import registering

SLUG = "larkspur"
OFFICER = "officer@larkspur.example"
_FOLDER = Path(__file__).parent
_PURPOSES = (
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
)
_NOTICE = (
    "We would like to use your data for the purposes you choose. You can say yes or no to each, and change your mind "
    "at any time in the preference centre."
)


def seed() -> bool:
    """Make whatever is missing of the demonstration; answers whether anything was made. Cheap when it is there."""
    crm.create(_database())
    if Dataset.objects.filter(controller__slug=SLUG).exists():
        return False
    controller = _controller()
    principal = operator(controller.pk.hex)
    for values in _PURPOSES:
        if not Purpose.objects.filter(controller=controller, key=values["key"]).exists():
            purposes.create(controller, principal=principal, **values)
    revision = NoticeRevision.objects.filter(notice__controller=controller).first() or consent.publish(
        controller, key="welcome", title="Your data", language="en", text=_NOTICE, principal=principal
    )
    for person in crm.CUSTOMERS:
        _register(controller, person, revision, principal)
    _officer(controller, principal)
    _connect(controller, principal)
    return True


def _controller() -> Controller:
    controller, created = Controller.objects.get_or_create(
        slug=SLUG,
        defaults={
            "name": "Larkspur Outdoor",
            "is_default": not Controller.objects.filter(is_default=True).exists(),
            "contact": "privacy@larkspur.example, +49 30 901820",
            "authority": "the data protection authority of your country",
            "single_officer": True,
        },
    )
    if created:
        for slug, name, accent in (("larkspur", "Larkspur", "#0b5563"), ("fernway", "Fernway", "#3b5b20")):
            Brand.objects.create(controller=controller, slug=slug, name=name, accent=accent)
    return controller


def _register(controller: Controller, person: crm.Customer, revision: NoticeRevision, principal: Principal) -> None:
    identifiers = [("email", person.email), ("customer_id", str(person.id))]
    if person.phone:
        identifiers.append(("phone", person.phone))
    by_key = {row.key: row for row in Purpose.objects.filter(controller=controller)}
    said = timezone.now() - timedelta(days=30 + 7 * person.id)
    # Every third said no to the newsletter, every fourth was never asked about suggestions.
    choices = [_choice(by_key["newsletter"], State.REFUSED if person.id % 3 == 0 else State.GIVEN, revision, said)]
    if person.id % 4:
        choices.append(_choice(by_key["personalisation"], State.GIVEN, revision, said))
    consent.record_for(controller, identifiers, choices, principal=principal, verified=True)


def _choice(purpose: Purpose, state: State, revision: NoticeRevision, said: object) -> consent.Choice:
    return consent.Choice(
        purpose=purpose,
        state=state,
        method="web_form",
        notice_revision=revision,
        collection_point="larkspur-shop-sign-up",
        occurred_at=said,  # type: ignore[arg-type]  # a time of the demonstration
    )


def _officer(controller: Controller, principal: Principal) -> None:
    if not StaffUser.objects.filter(email=OFFICER).exists():
        user = StaffUser.objects.create_user(OFFICER, name="Robin Larkspur")
        grants.serve(user, controller, [Role.PRIVACY_OFFICER], principal=principal)


def _connect(controller: Controller, principal: Principal) -> None:
    system = registering.register(controller, "shop", "Shop database", f"sqlite:///{_database()}", principal=principal)
    text = (_FOLDER / "crm.yml").read_text(encoding="utf-8")
    datasets.import_text(controller, system, text, principal=principal)


def _database() -> Path:
    return Path(settings.VAR_DIR) / "demo" / "shop.sqlite3"
