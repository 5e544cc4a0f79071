"""A model with personal data under django-auditlog fails the system check: its diffs would outlive the person's key."""

from collections.abc import Iterator

import pytest
from auditlog.registry import auditlog  # noqa: TID251  # what an app of a project could do

from governance import checks
from tests.shelf.models import Comment, Ticket

DIGEST = "governance.audit.change_log.digest"


@pytest.fixture(autouse=True)
def _unregistered() -> Iterator[None]:
    yield
    for model in (Ticket, Comment):
        if auditlog.contains(model):
            auditlog.unregister(model)


def found() -> list[str]:
    return [str(message.hint) for message in checks.diary() if message.id == "governance.E026"]


def test_the_service_itself_passes() -> None:
    assert found() == []


def test_everything_of_a_model_with_sealed_columns_is_refused() -> None:
    auditlog.register(Ticket)
    assert any("note" in hint and "Leave out" in hint for hint in found())


def test_a_sealed_column_alone_is_refused_masked_by_the_library_or_not() -> None:
    auditlog.register(Ticket, include_fields=["note"], mask_fields=["note"])
    assert len(found()) == 1


def test_a_plain_column_of_a_row_about_a_person_is_refused_until_it_is_masked_by_ours() -> None:
    auditlog.register(Ticket, include_fields=["state"])
    assert "state" in found()[0]
    auditlog.unregister(Ticket)
    auditlog.register(Ticket, include_fields=["state"], mask_fields=["state"])  # keeps half of the text
    assert "state" in found()[0]
    auditlog.unregister(Ticket)
    auditlog.register(Ticket, include_fields=["state"], mask_fields=["state"], mask_callable=DIGEST)
    assert found() == []


def test_a_model_that_is_about_nobody_passes() -> None:
    auditlog.register(Comment)
    assert found() == []
