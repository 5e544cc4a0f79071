"""Colours of brands: what can be read on what, and the shades that a page needs of one colour; pure, draws nothing."""

from __future__ import annotations

import re
from typing import Final

_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}", re.ASCII)
#: WCAG 2.2, 1.4.3.
_CONTRAST: Final = 4.5
_BLACK, _WHITE = "#000000", "#ffffff"
#: What an accent stands on in the portal, besides white; as in the stylesheet `tokens.css`.
_MIST, _DARK_MIST = "#f4f6f7", "#1d2329"
_DARKER: Final = 30
_STEP: Final = 5


def contrast(one: str, other: str) -> float:
    """Answer how far two colours stand apart, from 1 to 21 (WCAG 2.2, relative luminance)."""
    dim, bright = sorted((_luminance(one), _luminance(other)))
    return (bright + 0.05) / (dim + 0.05)


def is_readable(accent: str) -> bool:
    """Whether white can be read on this colour, and the colour on the palest grey; false for what is no colour."""
    return bool(_COLOUR.fullmatch(accent)) and contrast(accent, _MIST) >= _CONTRAST


def darker(accent: str) -> str:
    """Answer the shade for what the pointer is on."""
    return _mixed(accent, _BLACK, _DARKER)


def for_the_dark(accent: str) -> str:
    """Answer the nearest lighter shade that can be read on dark pages."""
    shades = (_mixed(accent, _WHITE, percent) for percent in range(0, 100, _STEP))
    return next(shade for shade in shades if contrast(shade, _DARK_MIST) >= _CONTRAST)


def lighter(accent: str) -> str:
    """Answer the shade for what the pointer is on, on dark pages."""
    return _mixed(accent, _WHITE, _DARKER)


def _luminance(colour: str) -> float:
    parts = (part / 255 for part in _parts(colour))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _mixed(colour: str, other: str, percent: int) -> str:
    pairs = zip(_parts(colour), _parts(other), strict=True)
    return "#" + "".join(f"{round(own + (more - own) * percent / 100):02x}" for own, more in pairs)


def _parts(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[place : place + 2], 16) for place in (1, 3, 5))
