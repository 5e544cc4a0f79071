"""Every REST door for every kind of caller: what each gets, from the one table of roles."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.access import service_keys
from governance.api.views import Door
from governance.models import LedgerEntry, ServiceKey
from governance.policy.principal import operator
from governance.policy.vocabulary import SERVICE_ROLES, STAFF_ROLES, Action, Role, permits
from tests.api.calls import NAMED, call, ids_for, path_of
from tests.governance.conftest import signed_in, staff
from tests.test_conventions import ROUTES

if TYPE_CHECKING:
    from django.http import HttpResponse

    from tests.api.estate import Estate

pytestmark = pytest.mark.django_db

#: Lean doors are no classes; the kernel's decision asks for this action itself.
LEAN = {"consent_check": Action.CONSENT_CHECK, "consent_check_batch": Action.CONSENT_CHECK}
#: One question that may not be asked does not spoil the others of a batch: it is answered with a denial.
ANSWERED_WITHOUT_RIGHT = {"consent_check_batch"}
#: Keys in the right form that open nothing; a caller must not learn which of these theirs is.
WELL_FORMED = {"unknown id", "wrong secret", "expired", "revoked", "disabled account"}
#: Bodies with which the answer hangs on the caller alone.
QUIET: dict[str, dict[str, Any]] = {
    "api_request_approve": {"plan_digest": "0" * 64},
    "api_request_extend": {"reason": "complexity"},
    "api_request_refuse": {"reason": "other"},
}


def operations() -> list[tuple[str, str, str, Action]]:
    """Every door with each of its methods, and the action that it declares."""
    found = []
    for route, pattern in ROUTES:
        view = getattr(pattern.callback, "view_class", None)
        if view is not None and issubclass(view, Door):
            methods = [name.upper() for name in ("get", "post") if hasattr(view, name)]
            found += [(method, route, pattern.name, view.actions.get(method, view.action)) for method in methods]
        elif route.startswith("v1/"):
            found.append(("POST", route, pattern.name, LEAN[pattern.name]))
    return found


OPERATIONS = operations()


def ask(estate: Estate, method: str, route: str, name: str, client: Client, header: str | None) -> HttpResponse:
    body = NAMED[name][0]("fresh") if name in NAMED else QUIET.get(name, {})
    headers = {} if header is None else {"Authorization": header}
    return call(client, method, path_of(route, ids_for(route, estate)), body, headers)


def keys_that_open_nothing(estate: Estate) -> dict[str, str | None]:
    """Headers that must all be answered alike, whatever is wrong with them."""
    who = operator(estate.controller.pk.hex)
    prefix, key_id, secret = estate.key.split("_", 2)

    def key(name: str, *, lifetime: timedelta = service_keys.LIFETIME) -> tuple[str, ServiceKey]:
        account = service_keys.create_account(estate.controller, name, [Role.INTEGRATOR], ["*"], principal=who)
        issued = service_keys.issue(account, principal=who, lifetime=lifetime)
        return f"Bearer {issued}", ServiceKey.objects.select_related("account").get(account=account)

    expired, _row = key("expired", lifetime=timedelta(seconds=-1))
    revoked, row = key("revoked")
    service_keys.revoke(row, principal=who)
    disabled, row = key("disabled")
    row.account.disabled_at = timezone.now()
    row.account.save(update_fields=["disabled_at"])
    return {
        "none": None,
        "empty": "",
        "another scheme": f"Basic {estate.key}",
        "no key": "Bearer nonsense",
        "another prefix": f"Bearer other_{key_id}_{secret}",
        "unknown id": f"Bearer {prefix}_{'0' * 16}_{secret}",
        "wrong secret": f"Bearer {prefix}_{key_id}_{'A' * len(secret)}",
        "cut short": f"Bearer {estate.key[:-1]}",
        "with more behind": f"Bearer {estate.key} x",
        "expired": expired,
        "revoked": revoked,
        "disabled account": disabled,
    }


def test_a_key_that_opens_nothing_opens_nothing(umbrella: Estate) -> None:
    bodies = set()
    for kind, header in keys_that_open_nothing(umbrella).items():
        for method, route, name, _action in OPERATIONS:
            answer = ask(umbrella, method, route, name, Client(), header)
            assert answer.status_code == 401, (kind, route)
            assert answer["Content-Type"] == "application/problem+json"
            assert answer["WWW-Authenticate"].startswith("Bearer")
            problem = answer.json()
            assert problem["code"] == "auth.required"
            if kind in WELL_FORMED:
                problem.pop("instance", None)
                bodies.add(str(problem))
    assert len(bodies) == 1  # which of them it was is not said


@pytest.mark.parametrize("role", [None, *SERVICE_ROLES])
def test_a_service_gets_what_its_role_allows(umbrella: Estate, role: Role | None) -> None:
    roles = [] if role is None else [role]
    header = f"Bearer {key_for(umbrella, roles)}"
    denials = LedgerEntry.objects.filter(type="access.denied")
    for method, route, name, action in OPERATIONS:
        before, permitted = denials.count(), permits(frozenset(roles), action)
        answer = ask(umbrella, method, route, name, Client(), header)
        judge(answer, route, permitted=permitted or name in ANSWERED_WITHOUT_RIGHT)
        assert denials.count() - before == (not permitted), route


@pytest.mark.parametrize("role", STAFF_ROLES)
def test_staff_enter_by_session_where_people_work(umbrella: Estate, role: Role) -> None:
    """Requests and the ledger are worked on by people; every other door takes keys alone, whatever the session may."""
    client = signed_in(staff(umbrella.controller, role, email="somebody@umbrella.example"))
    for method, route, name, action in OPERATIONS:
        answer = ask(umbrella, method, route, name, client, None)
        if route.startswith(("v1/requests/", "v1/audit/")) and name != "api_request_package":
            judge(answer, route, permitted=permits(frozenset({role}), action))
        else:
            assert answer.status_code == 401, route


def test_a_service_is_held_to_its_purposes(umbrella: Estate) -> None:
    header = f"Bearer {key_for(umbrella, [Role.INTEGRATOR], purposes=['other'])}"
    for method, route, name, action in OPERATIONS:
        if action not in {Action.CONSENT_CHECK, Action.CONSENT_RECORD}:
            continue
        answer = ask(umbrella, method, route, name, Client(), header)
        if name in ANSWERED_WITHOUT_RIGHT:
            assert {tuple(each["reasons"]) for each in answer.json()["results"]} == {("CLIENT_NOT_AUTHORISED",)}
        elif name == "consent_receipt":
            assert answer.status_code == 404  # a choice for a purpose it does not serve is as absent as one that is not
        else:
            judge(answer, route, permitted=False)


def test_other_methods_are_not_offered(umbrella: Estate) -> None:
    for _method, route, name, _action in OPERATIONS:
        offered = {method for method, other, *_rest in OPERATIONS if other == route}
        for wrong in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} - offered:
            answer = ask(umbrella, wrong, route, name, Client(), f"Bearer {umbrella.key}")
            assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json"), (wrong, route)
            assert set(answer["Allow"].split(", ")) - {"HEAD"} == offered


def test_an_address_that_is_none_is_a_problem_too(umbrella: Estate) -> None:
    for path in ("/v1/", "/v1/nothing", "/v1/requests/1", "/v1/requests/null,null/verify", "/v1/consent/check/"):
        answer = call(Client(), "POST", path, {}, umbrella.headers)
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json"), path
    assert Client().get("/nothing")["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("accept", ["application/zip", "application/problem+json", "text/html", "nonsense"])
def test_a_door_answers_in_its_form_whatever_is_accepted(umbrella: Estate, accept: str) -> None:
    for method, route, name, _action in OPERATIONS:
        answer = ask(umbrella, method, route, name, Client(headers={"Accept": accept}), f"Bearer {umbrella.key}")
        assert answer.status_code != 406, route
        assert answer["Content-Type"] in {"application/json", "application/problem+json"}, route


def key_for(estate: Estate, roles: list[Role], *, purposes: list[str] | None = None) -> str:
    who = operator(estate.controller.pk.hex)
    account = service_keys.create_account(estate.controller, "another", roles, purposes or ["*"], principal=who)
    return service_keys.issue(account, principal=who)


def judge(answer: HttpResponse, route: str, *, permitted: bool) -> None:
    if permitted:
        assert answer.status_code not in {401, 403, 405}, (route, answer.content)
        assert answer.status_code < 500, route
    else:
        assert answer.status_code == 403, route
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "access.denied"
        assert answer.json()["detail"]  # a remedy
