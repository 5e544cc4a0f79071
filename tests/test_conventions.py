"""The house rules that no linter knows: sentences, doors, vocabulary, sizes, traces; and the personal-data canary."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.checks import run_checks
from django.urls import URLPattern, URLResolver, get_resolver

from governance.api.views import Door
from governance.fields import SealedField
from governance.policy.vocabulary import ALLOWED, Action, AuditType

PROJECT = Path(__file__).resolve().parent.parent
ROOMS = ("benchmarks", "config", "consent", "dsar", "governance")
SOURCES = [
    path
    for room in ROOMS
    for path in sorted((PROJECT / room).rglob("*.py"))
    if "migrations" not in path.parts and path.read_text().strip()
]
#: Doors that no action guards, each with the reason.
OPEN_DOORS = {
    "healthz": "operations: the process answers, nothing else",
    "readyz": "operations: names of failed checks, no details",
    "ledger-keys": "public keys of the ledger: what a receipt is verified with",
    "schema/": "the published description of the API",
    "accounts/": "staff sign-in: the only way to become somebody",
    "console/": "Django's admin site: ConsoleSite.has_permission, and each page's own action (test below)",
    "privacy/": "the portal: anyone may ask; what is shown is bound to a proven address",
    "preferences/": "the preference centre: anyone may ask; what is shown is bound to a proven address",
    "v1/consent/check": "lean door: the kernel's decision asks for consent:check itself",
    "v1/consent/check/batch": "lean door: as above",
    "": "the landing page: links only",
}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_every_module_opens_with_its_sentence(path: Path) -> None:
    opening = (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n\n")[0]
    assert opening.rstrip().endswith((".", ")", '"')), "say what the room is for and what must not be in it"
    assert len(opening.split()) >= 4


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_rooms_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400
    assert path.stem not in {"utils", "helpers", "constants", "common", "misc"}


def _routes(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, route)
        else:
            yield route, pattern


ROUTES = sorted(_routes(get_resolver().url_patterns), key=lambda route: route[0])


@pytest.mark.parametrize(("route", "pattern"), ROUTES, ids=[route for route, _pattern in ROUTES])
def test_every_route_declares_its_action_or_is_exempt(route: str, pattern: URLPattern) -> None:
    view = getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None)
    if view is not None and issubclass(view, Door):
        methods = [name.upper() for name in view.http_method_names if hasattr(view, name) and name != "options"]
        assert all(view.actions.get(method, view.action) for method in methods)
        return
    exempt = [name for name in OPEN_DOORS if route == name or (name.endswith("/") and route.startswith(name))]
    assert exempt or getattr(pattern.callback, "action", None), f"{route} declares no action and is not exempt"


def test_every_action_and_audit_type_is_used() -> None:
    text = "\n".join(path.read_text() for path in SOURCES if path.name != "vocabulary.py")
    unused = [kind.name for kind in (*Action, *AuditType) if not re.search(rf"\b{kind.name}\b", text)]
    assert unused == []


def test_the_vocabulary_is_alphabetical() -> None:
    for kind in (Action, AuditType):
        names = [member.name for member in kind]
        assert names == sorted(names)
    assert set().union(*ALLOWED.values()) == set(Action)


def test_no_admin_list_shows_a_sealed_value_and_none_can_write() -> None:
    for model, page in admin.site._registry.items():  # the only list of what is registered
        sealed = {field.name for field in model._meta.get_fields() if isinstance(field, SealedField)}
        assert not sealed & {str(name) for name in (*page.list_display, *page.search_fields, *page.list_filter)}


def test_sealed_labels_are_declared_once() -> None:
    fields = [field for model in apps.get_models() for field in model._meta.get_fields()]
    labels = [field.label for field in fields if isinstance(field, SealedField)]
    assert all(labels)
    assert len(labels) == len(set(labels))


def test_every_setting_is_documented() -> None:
    names = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (PROJECT / "config" / "settings.py").read_text()))
    described = (PROJECT / "docs" / "operating.md").read_text()
    assert sorted(name for name in names if f"`{name}`" not in described) == []


def test_no_traces_of_a_machine_or_an_index() -> None:
    # Put together here, so that this file does not hold what it looks for.
    traces = ("--(extra-)?index" + "-url", "/simp" + "le/", "/ro" + "ot/", "/home/[a-z]+/", "python" + "hosted")
    found = subprocess.run(
        ["git", "grep", "-nIE", "-e", "|".join(traces), "--", "."],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.stdout, found.returncode) == ("", 1)  # 1: searched and found nothing


@pytest.mark.django_db
def test_append_only_tables_are_guarded() -> None:
    found = run_checks(databases=["default"], tags=["database"])
    assert [message.id for message in found] == []
