"""Every sentence that Python says to a person is marked for translation; templates have tests/test_templates.py."""

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
#: Rooms whose texts people read: pages, forms, letters, words for codes, and the refusals that pages show.
ROOMS = (
    "config/demo/checklist.py",
    "consent/admin.py",
    "consent/portal",
    "consent/services",
    "consent/sockets.py",
    "dsar/admin",
    "dsar/letters",
    "dsar/portal",
    "dsar/selectors",
    "dsar/services",
    "dsar/sockets.py",
    "governance/access/elevation.py",
    "governance/access/factor_forms.py",
    "governance/access/second_factor.py",
    "governance/admin.py",
    "governance/alarms",
    "governance/catalogue/datasets.py",
    "governance/catalogue/planning/describe.py",
    "governance/catalogue/purposes.py",
    "governance/console",
    "governance/incidents/counting.py",
    "governance/incidents/register.py",
    "governance/incidents/telling.py",
    "governance/subjects",
    "governance/systems/addresses.py",
    "governance/systems/registering.py",
)
SOURCES = sorted(
    {path for room in ROOMS for path in ([PROJECT / room] if room.endswith(".py") else (PROJECT / room).rglob("*.py"))}
)
_MARKS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy"}
#: Calls whose texts no visitor reads: a programmer does, or a machine.
_SILENT = {
    "AuditRefused",
    "SealRefused",
    "ValueError",
    "TypeError",
    "RuntimeError",
    "LookupError",
    "ImproperlyConfigured",
    "LedgerBroken",
    "compile",
    "getLogger",
}
#: A sentence or a label: begins with a capital and has another word, or is a single word given as one.
_SENTENCE = re.compile(r"^[A-Z][a-z']*,? [^/]*[A-Za-z]")
_WORDS = re.compile(r"[a-z]{2,} [a-z]{2,}| [a-z]{3,} ")
_LABEL = re.compile(r"^[A-Z][a-z-]+(?: [a-z-]+)*[?:.]?$")
_SAID = {"label", "help_text", "description", "title", "heading", "empty"}


def unmarked(text: str) -> list[str]:
    tree = ast.parse(text)
    silent = set(_silent(tree))
    found = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in silent
        and _SENTENCE.match(node.value)
    ]
    found += [ast.unparse(node) for node in ast.walk(tree) if _is_put_together(node) and id(node) not in silent]
    return found + [word for word in _labels(tree) if not _SENTENCE.match(word)]


def _is_put_together(node: ast.AST) -> bool:
    """Whether a formatted string says words: no translator sees it, and word order differs."""
    parts = node.values if isinstance(node, ast.JoinedStr) else []
    return any(isinstance(each, ast.Constant) and _WORDS.search(str(each.value)) for each in parts)


def _silent(tree: ast.AST) -> Iterator[int]:
    """Docstrings, annotations, what is marked, and what only programmers read."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield id(node.value)
        elif isinstance(node, ast.Call) and _name(node.func) in _MARKS | _SILENT:
            yield from (id(inner) for inner in ast.walk(node))
        elif isinstance(node, ast.Assign) and any(_name(target) == "message" for target in node.targets):
            yield from (id(inner) for inner in ast.walk(node.value))


def _labels(tree: ast.AST) -> Iterator[str]:
    """Single words given where a word is shown: as a label, or as the value of a table of words."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in _SAID and _is_label(node.value):
            yield node.value.value  # type: ignore[attr-defined]  # a constant
        elif isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Dict):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(_name(target).endswith("_WORDS") for target in targets):
                yield from (each.value for each in node.value.values if _is_label(each))  # type: ignore[attr-defined]


def _is_label(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(_LABEL.match(node.value))


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_a_module_says_nothing_that_cannot_be_translated(path: Path) -> None:
    assert unmarked(path.read_text(encoding="utf-8")) == []


def test_unmarked_sentences_are_found_wherever_they_stand() -> None:
    text = '''"""Docstring here."""
NAME_WORDS = {"a": "Address", "b": _("Bee")}
def say(request):
    """Say it."""
    messages.error(request, "It is not done.")
    form = CharField(label="Name", help_text=_("Your name here"), error_messages={"required": "Give a name"})
    count = f"{form} steps failed"
    raise ValueError("A programmer reads this")
'''
    found = sorted(unmarked(text))
    assert found == ["Address", "Give a name", "It is not done.", "Name", "f'{form} steps failed'"]


def test_the_texts_can_be_gathered(tmp_path: Path) -> None:
    """Xgettext reads every module and template as makemessages calls it."""
    if shutil.which("xgettext") is None:
        pytest.skip("needs gettext: apt-get install gettext")
    for room in ("consent", "dsar", "governance", "config"):
        shutil.copytree(PROJECT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__", "static"))
    (tmp_path / "locale").mkdir()
    command = "import django.core.management as m; m.execute_from_command_line(['x','makemessages','-l','de','-v','0'])"
    found = subprocess.run(
        [str(PROJECT / ".venv" / "bin" / "python"), "-c", command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "DJANGO_SETTINGS_MODULE": "django.conf.global_settings"},
    )
    gathered = (tmp_path / "locale" / "de" / "LC_MESSAGES" / "django.po").read_text() if found.returncode == 0 else ""
    assert found.returncode == 0, found.stderr
    for text in (
        "Stop everything",
        "Privacy officer",
        "Who looked at your data, and why",
        "it is shared with another person",
        "Withhold %(place)s.%(field)s: %(reason)s.",
    ):
        assert f'msgid "{text}"' in gathered
