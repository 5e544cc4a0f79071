"""References are unguessable, unmistakable, and forgiving to read back."""

from __future__ import annotations

import re

import pytest

from dsar.services.references import new_reference, normal_reference

pytestmark = pytest.mark.django_db


def test_references_look_the_part_and_differ() -> None:
    found = {new_reference() for _ in range(200)}
    assert len(found) == 200
    assert all(re.fullmatch(r"R-[0-9BCDFGHJKMNPQRSTVWXYZ]{4}-[0-9BCDFGHJKMNPQRSTVWXYZ]{4}", each) for each in found)


@pytest.mark.parametrize("typed", ["R-7K40-2M9X", "r-7k4o-2m9x", " R 7K40 2M9X ", "7k40-2m9x", "R7K402M9X"])
def test_typing_is_forgiven(typed: str) -> None:
    assert normal_reference(typed) == "R-7K40-2M9X"


@pytest.mark.parametrize("typed", ["", "ann@example.org", "R-7K40", "R-7K40-2M9X-1", "R-AAAA-EEEE"])
def test_anything_else_is_not_kept(typed: str) -> None:
    assert normal_reference(typed) == ""


def test_a_reference_that_begins_with_r_survives() -> None:
    assert normal_reference("R-RR12-3456") == "R-RR12-3456"
    assert normal_reference("RR123456") == "R-RR12-3456"
