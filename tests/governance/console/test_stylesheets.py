"""The stylesheets keep their promises: measured contrast, logical properties, nothing from elsewhere, no motion."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from governance import console

FOLDER = Path(console.__file__).parent.parent / "static" / "governance"
SHEETS = sorted(FOLDER.glob("*.css"))
TEXT = 4.5  # WCAG 2.2, 1.4.3
SHAPE = 3.0  # WCAG 2.2, 1.4.11

PAIRS = [
    ("ink", "paper", TEXT),
    ("ink", "mist", TEXT),
    ("muted", "paper", TEXT),
    ("muted", "mist", TEXT),
    ("accent", "paper", TEXT),
    ("accent", "mist", TEXT),
    ("accent-strong", "paper", TEXT),
    ("on-accent", "accent", TEXT),
    ("on-accent", "accent-strong", TEXT),
    ("on-danger", "danger", TEXT),
    ("on-danger", "danger-strong", TEXT),
    ("danger-text", "paper", TEXT),
    ("danger-text", "danger-tint", TEXT),
    ("warn-text", "warn-tint", TEXT),
    ("ok-text", "ok-tint", TEXT),
    ("info-text", "info-tint", TEXT),
    ("on-focus", "focus", TEXT),
    ("line", "paper", SHAPE),
    ("danger", "paper", SHAPE),
]


def tokens() -> tuple[dict[str, str], dict[str, str]]:
    text = (FOLDER / "tokens.css").read_text()
    light, dark = re.findall(r":root \{(.*?)\}", text, re.DOTALL)[:2]
    read = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", part)) for part in (light, dark)]
    return read[0], {**read[0], **read[1]}


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "back", "least"), PAIRS)
def test_contrast(front: str, back: str, least: float, scheme: int) -> None:
    found = tokens()[scheme]
    bright, dim = sorted((luminance(found[front]), luminance(found[back])), reverse=True)
    assert (bright + 0.05) / (dim + 0.05) >= least


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_a_sheet_loads_nothing_and_knows_no_left_or_right(sheet: Path) -> None:
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)
    assert not re.search(r"@import|url\(|@font-face", text)
    assert not re.search(r"(margin|padding|border|inset)?-?\b(left|right)\b\s*:", text)
    assert not re.search(r"text-align:\s*(left|right)|float:", text)
    assert not re.search(r"^\s*(transition|animation):(?! none)", text, re.MULTILINE)


def test_every_colour_is_a_token() -> None:
    for sheet in SHEETS:
        if sheet.name != "tokens.css":
            assert not re.search(r"#[0-9a-f]{3,8}\b", sheet.read_text())
