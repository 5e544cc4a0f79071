"""What each door is sent: ids for its address, a body for its reading; the sweeps fail on a door that is not here."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from consent.models import ConsentEvent
from governance.audit import sequencer
from governance.models import ChangeLogEntry, LedgerCheckpoint
from tests.api.estate import MAP, Estate

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpResponse
    from django.test import Client

#: Routes whose part in pointed brackets is no id of a controller's thing, each with the reason.
NO_IDS = {
    "accounts/link/<str:token>/": "a secret that signs somebody in: whoever has it is that person",
    "privacy/b/<slug:brand>/": "a name that the public portal takes or leaves; see test_brands.py",
    "privacy/colour/<slug:colour>.css": "a colour, the same for everybody",
    "v1/audit/tile/<path:tile>": "a part of the tree, which is one for all; see test_audit.py",
    "console/(?P<url>.*)$": "the console's page for addresses that do not exist",
}
#: Ids in an address, by the name that the route gives them.
IDS: dict[str, Callable[[Estate], Any]] = {
    "alert_id": lambda estate: estate.alert.pk,
    "consent_event_id": lambda estate: ConsentEvent.objects.filter(controller=estate.controller)[0].pk,
    "dataset_id": lambda estate: estate.dataset.pk,
    "elevation_id": lambda estate: estate.elevation.pk,
    "entry_id": lambda estate: estate.incident.entries.get(event="opened").pk,
    "erasure_id": lambda estate: estate.erasure.pk,
    "event_id": lambda estate: estate.event.pk,
    "hold_id": lambda estate: estate.hold.pk,
    "identifier_id": lambda estate: estate.identifier.pk,
    "incident_id": lambda estate: estate.incident.pk,
    "pk": lambda estate: estate.passkey.pk,
    "request_id": lambda estate: estate.request.pk,
    "subject_id": lambda estate: estate.subject.pk,
    "system_id": lambda estate: estate.system.pk,
    "tile": lambda _estate: f"0/000.p/{newest_size()}",
}
#: Rows that the console shows, by model.
RECORDS: dict[str, Callable[[Estate], Any]] = {
    "changelogentry": lambda _estate: ChangeLogEntry.objects.order_by("pk")[0].pk,
    "controller": lambda estate: estate.controller.pk,
    "dataset": lambda estate: estate.dataset.pk,
    "privacynotice": lambda estate: estate.notice.pk,
    "purpose": lambda estate: estate.purpose.pk,
    "serviceaccount": lambda estate: estate.account.pk,
    "system": lambda estate: estate.system.pk,
}
#: What a route with an id is sent, where an empty form or body would be refused before the id counts.
BODIES: dict[str, Callable[[Estate], dict[str, Any]]] = {
    "api_request_approve": lambda estate: {"plan_digest": estate.plan_digest},
    "api_request_extend": lambda _estate: {"reason": "complexity"},
    "api_request_refuse": lambda _estate: {"reason": "no_match"},
    "api_request_verify": lambda _estate: {"code": "123456"},
    "elevation_review": lambda _estate: {"finding": "justified"},
    "erasure_undo": lambda _estate: {"reason": "wrong_person"},
    "glass_break": lambda _estate: {"reason": "danger"},
    "incident_note": lambda _estate: {"note": "Something to note"},
    "hold_place": lambda _estate: {"reason": "authority_order"},
    "mfa_edit_webauthn": lambda _estate: {"name": "Another name"},
    "dataset_import": lambda estate: {"text": MAP.format(key=f"{estate.slug}_more")},
    "request_approve": lambda estate: {"plan_digest": estate.plan_digest},
    "request_extend": lambda _estate: {"reason": "complexity"},
    "request_refuse": lambda _estate: {"reason": "no_match"},
    "request_without": lambda _estate: {"follows": "supplement"},
    "verify_identifier": lambda _estate: {"evidence": "document_seen", "reason": "newly_named"},
    "reveal_identifier": lambda _estate: {"purpose": "legal_claim"},
}

#: What a door that creates or looks something up is sent by Umbrella's service, around one name or identifier: of
#: Umbrella's own, of another controller, or of nobody.
NAMED: dict[str, list[Callable[[str], dict[str, Any]]]] = {
    "api_requests": [lambda slug: {"rights": ["access"], "identifiers": [_email(slug)]}],
    "api_systems": [lambda slug: {"key": f"{slug}-db", "name": "Shop", "url": "sqlite:////tmp/none.sqlite3"}],
    "api_datasets": [
        lambda slug: {"system": "umbrella-db", "yaml": MAP.format(key=f"{slug}_shop")},
        lambda slug: {"system": f"{slug}-db", "yaml": MAP.format(key="any")},
    ],
    "audit_checkpoint": [lambda _slug: {}],
    "audit_consistency": [lambda _slug: {}],
    "consent_check": [
        lambda slug: {"subject": _email(slug), "purpose": "umbrella-news"},
        lambda slug: {"subject": _email("umbrella"), "purpose": f"{slug}-news"},
    ],
    "consent_check_batch": [
        lambda slug: {"checks": [{"subject": _email(slug), "purpose": each} for each in ("umbrella-news", "x")]},
    ],
    "consent_events": [
        lambda slug: _event(slug, "umbrella-news"),
        lambda slug: _event("umbrella", f"{slug}-news"),
        lambda slug: _event("umbrella", "umbrella-news") | {"notice": {"key": f"{slug}-notice", "version": 1}},
    ],
    "consent_history": [
        lambda slug: {"subject": _email(slug)},
        lambda slug: {"subject": _email("umbrella"), "purpose": f"{slug}-news"},
    ],
    "contacts": [
        lambda slug: {"contacts": [_contact(slug, "umbrella-news")]},
        lambda slug: {"contacts": [_contact("umbrella", f"{slug}-news")]},
    ],
    "notices": [
        lambda slug: {"key": f"{slug}-notice", "title": "Notice", "text": "Text"},
        lambda slug: {"key": f"{slug}-notice", "title": "Notice", "text": "Text", "translation_of": 1},
    ],
    "purposes": [lambda slug: {"key": f"{slug}-news", "name": "News", "lawful_basis": "consent"}],
    "subject_lookup": [lambda slug: {"identifiers": [_email(slug)]}],
    "subject_restriction": [lambda slug: {"identifiers": [_email(slug)], "ground": "claims"}],
    "subjects": [lambda slug: {"identifiers": [_email(slug)]}],
    "vault_detokenise": [lambda slug: {"purpose": "legal_claim", "tokens": [f"tok_{slug}"]}],
    "vault_reveal": [
        lambda slug: {"purpose": "legal_claim", "items": [_value(slug) | {"sealed": f"cxp1.{'_gEBAA' * 12}"}]},
    ],
    "vault_seal": [lambda slug: {"items": [_value(slug) | {"value": "x"}]}],
    "vault_tokenise": [lambda slug: {"purpose": "analytics", "items": [_value(slug) | {"value": "x"}]}],
}


def _email(slug: str) -> dict[str, str]:
    return {"type": "email", "value": f"{slug}.canary@example.org"}


def _value(slug: str) -> dict[str, Any]:
    return {"subject": _email(slug), "label": "user.contact.email"}


def _event(slug: str, purpose: str) -> dict[str, Any]:
    return {"subject": _email(slug), "purpose": purpose, "state": "given"}


def newest_size() -> int:
    """Have the ledger sequenced, and answer how long it is."""
    while sequencer.sequence():
        pass
    return LedgerCheckpoint.objects.order_by("-size")[0].size % 256 or 256


def _contact(slug: str, purpose: str) -> dict[str, Any]:
    return {"subject": _email(slug), "purpose": purpose, "channel": "email", "message_class": "marketing"}


def names_in(route: str) -> list[str]:
    return re.findall(r"<(?:\w+:)?(\w+)>", route)


def ids_for(route: str, estate: Estate) -> dict[str, Any]:
    """Fill a route. A new kind of id fails here: say above where an estate has one."""
    if route in NO_IDS:
        return {name: IDS[name](estate) for name in names_in(route) if name in IDS}
    model = route.split("/")[-3] if "<path:object_id>" in route else ""
    known = IDS | ({"object_id": RECORDS[model]} if model else {})
    unknown = [name for name in names_in(route) if name not in known]
    assert not unknown, f"{route} takes ids that this sweep cannot fill: {unknown}"
    return {name: known[name](estate) for name in names_in(route)}


def path_of(route: str, ids: dict[str, Any]) -> str:
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(ids[found[1]]), route)


def call(client: Client, method: str, path: str, body: dict[str, Any], headers: dict[str, str]) -> HttpResponse:
    if path.startswith("/v1/"):
        return client.generic(method, path, json.dumps(body), content_type="application/json", headers=headers)
    return getattr(client, method.lower())(path, body, headers=headers)
