"""Colours of brands: what cannot be read is refused, and every shade made of the rest can be read where it stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.access import colours

PAPER, MIST, DARK_PAPER, DARK_MIST = "#ffffff", "#f4f6f7", "#14181c", "#1d2329"
LEAST = 4.5  # WCAG 2.2, 1.4.3


@pytest.mark.parametrize(
    ("accent", "expected"),
    [("#0b5563", True), ("#3b5b20", True), ("#ffffff", False), ("#ffbf47", False), ("", False), ("red;}", False),
     ("#0b55639", False), ("#767676", False)],
)  # fmt: skip
def test_white_is_written_only_on_what_it_stands_out_on(accent: str, expected: bool) -> None:
    assert colours.is_readable(accent) is expected


def test_contrast_is_measured_as_the_standard_does() -> None:
    assert colours.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colours.contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@given(st.integers(0, 0xFFFFFF).map("#{:06x}".format).filter(colours.is_readable))
def test_every_shade_of_a_readable_colour_is_readable_where_it_stands(accent: str) -> None:
    for shade in (accent, colours.darker(accent)):
        assert colours.contrast(shade, PAPER) >= colours.contrast(shade, MIST) >= LEAST
    dark = colours.for_the_dark(accent)
    for shade in (dark, colours.lighter(dark)):
        assert colours.contrast(shade, DARK_PAPER) >= colours.contrast(shade, DARK_MIST) >= LEAST
