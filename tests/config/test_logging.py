"""Logs: nothing personal passes the last processor, and no text, however long, makes it slow."""

from __future__ import annotations

import logging
import time
from io import StringIO
from typing import TYPE_CHECKING

import pytest
import structlog
from django.db import IntegrityError, OperationalError

from config.logging import logging_config, redact
from governance.errors import Conflict

if TYPE_CHECKING:
    from collections.abc import Iterator

#: No pattern tells it from any other words; it stands in no line of source that a traceback shows.
NAME = "Zoe Quokka"


def clean(text: str) -> str:
    return str(redact(None, "info", {"event": text})["event"])


@pytest.mark.parametrize(
    "text",
    [
        "GET /x?email=jane%40example.org&name=Jane",
        "GET /nope?who=Jane+Doe",
        "mail jane.doe@example.org failed",
        "/jane%40example.org/",
        "call +49 (30) 901820-77 back",
        "call %2B493090182077",
        "key cxg_0123456789abcdef_abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
        "GET /accounts/link/link_0123456789abcdef_abcdefghijklmnopqrst/",
    ],
)
def test_what_looks_personal_is_replaced(text: str) -> None:
    shown = clean(text)
    assert "[" in shown
    assert not [part for part in ("jane", "Jane", "901820", "90182077", "abcdefghij") if part in shown]


def test_ids_and_codes_stay() -> None:
    assert clean("request R-7K4Q-2M9X step 12 done") == "request R-7K4Q-2M9X step 12 done"
    assert redact(None, "info", {"ip": "1.2.3.4", "count": 3}) == {"count": 3}


@pytest.mark.parametrize("character", ["a", "@", "+1", "a@", "a_0123456789abcdef_", "?"])
def test_long_text_is_cut_before_it_is_searched(character: str) -> None:
    began = time.process_time()
    shown = clean(character * 500_000)
    # Not a benchmark: the defect it guards against took minutes of quadratic backtracking.
    assert time.process_time() - began < 5
    assert len(shown) < 20_000


@pytest.fixture
def said() -> Iterator[StringIO]:
    said = StringIO()
    logging_config("DEBUG")
    (handler,) = logging.getLogger().handlers
    handler.setStream(said)
    yield said
    logging_config("WARNING")


@pytest.mark.parametrize("log", [structlog.get_logger("own"), logging.getLogger("theirs")], ids=["own", "theirs"])
def test_a_failure_is_told_by_class_and_place_and_not_by_its_message(said: StringIO, log: logging.Logger) -> None:
    try:
        try:
            int(NAME)
        except ValueError as refused:
            msg = f"Failing row contains (7, {NAME})."
            raise IntegrityError(msg) from refused
    except IntegrityError:
        log.exception("failed")
    shown = said.getvalue()
    assert NAME not in shown
    assert shown.index("ValueError\\n") < shown.index("django.db.utils.IntegrityError")
    assert "test_logging.py" in shown


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (Conflict("This request is not held."), "This request is not held."),
        (OperationalError(f"no such table: x\nDETAIL: {NAME}"), "no such table: x"),
        (FileNotFoundError(2, "No such file", f"/home/{NAME}"), "No such file"),
    ],
    ids=["ours", "database", "system"],
)
def test_messages_that_hold_no_value_are_kept(said: StringIO, error: Exception, kept: str) -> None:
    try:
        raise error
    except type(error):
        logging.getLogger("x").exception("failed")
    assert kept in said.getvalue()
    assert NAME not in said.getvalue()
