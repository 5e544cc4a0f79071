"""Letters: the address that is written to is the one that is looked up, and a mail server's "later" means later."""

from smtplib import SMTPDataError, SMTPRecipientsRefused
from uuid import uuid4

import pytest
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from pytest_django.fixtures import Settings

from governance import vault
from governance.fields import Scope
from governance.keys import index_keys
from governance.models import Controller, LedgerEntry, OutgoingMessage
from governance.policy.principal import operator
from governance.registry import sockets
from governance.subjects import letters, register


class MailServer(BaseEmailBackend):
    """A mail server as Django meets it: it answers with the code that the test sets."""

    answer: Exception | None = None
    received: list[str] = []

    def send_messages(self, messages: list) -> int:  # type: ignore[type-arg]  # Django's signature
        if self.answer is not None:
            raise self.answer
        self.received.extend(address for message in messages for address in message.to)
        return len(messages)


@pytest.fixture(autouse=True)
def server(settings: Settings) -> type[MailServer]:
    settings.EMAIL_BACKEND = f"{__name__}.MailServer"
    MailServer.answer, MailServer.received = None, []
    return MailServer


def queued(controller: Controller, to: str = "jane@example.org") -> OutgoingMessage:
    with transaction.atomic():
        return letters.queue(controller, Scope(controller.pk.hex, "request", uuid4().hex), to, "Subject", "Text")


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("Jane.Doe@Example.ORG", "Jane.Doe@example.org"),
        ("jane@straße.de", "jane@xn--strae-oqa.de"),
        ("jane@faß.de", "jane@xn--fa-hia.de"),
        (" jane@example.org ", "jane@example.org"),
        ("\uff4aane@example.org", "jane@example.org"),  # a full-width j
    ],
)
def test_mail_goes_to_the_address_that_the_index_stands_for(
    controller: Controller, server: type[MailServer], typed: str, sent: str
) -> None:
    queued(controller, typed)
    assert letters.deliver_due() == 1
    assert server.received == [sent]
    assert index_keys.index_value(controller.pk, "email", sent) == index_keys.index_value(controller.pk, "email", typed)


def test_a_neighbouring_domain_is_another_person(controller: Controller) -> None:
    person = register(controller, [("email", "jane@straße.de")], principal=operator(controller.pk.hex))
    assert vault.match(controller.pk, "email", "jane@strasse.de") is None
    assert vault.match(controller.pk, "email", index_keys.mail_address("jane@straße.de")) == person


@pytest.mark.parametrize(
    ("answer", "state", "error"),
    [
        (SMTPRecipientsRefused({"x": (450, b"greylisted")}), "queued", "mail.unavailable"),
        (SMTPDataError(451, b"try again"), "queued", "mail.unavailable"),
        (OSError("no route"), "queued", "mail.unavailable"),
        (SMTPRecipientsRefused({"x": (550, b"no such user")}), "failed", "mail.refused"),
        (SMTPDataError(554, b"spam"), "failed", "mail.refused"),
    ],
)
def test_later_is_tried_again_and_never_is_not(
    controller: Controller, server: type[MailServer], answer: Exception, state: str, error: str
) -> None:
    message = queued(controller)
    server.answer = answer
    assert letters.deliver_due() == 0
    message.refresh_from_db()
    assert (message.state, message.error) == (state, error)
    server.answer = None
    OutgoingMessage.objects.filter(pk=message.pk).update(due_at=message.created_at)
    assert letters.deliver_due() == (state == "queued")


def test_one_recipient_who_is_told_later_holds_no_other_letter_up(
    controller: Controller, server: type[MailServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    late, other = queued(controller, "greylisted@example.org"), queued(controller, "jane@example.org")
    deliver = MailServer.send_messages

    def answer(self: MailServer, messages: list) -> int:  # type: ignore[type-arg]  # Django's signature
        if messages[0].to == ["greylisted@example.org"]:
            raise SMTPRecipientsRefused({"x": (450, b"greylisted")})
        return deliver(self, messages)

    monkeypatch.setattr(MailServer, "send_messages", answer)
    assert letters.deliver_due() == 1
    assert server.received == ["jane@example.org"]
    for message in (late, other):
        message.refresh_from_db()
    assert (late.state, other.state) == ("queued", "sent")


def test_a_letter_that_fails_for_good_is_in_the_ledger(controller: Controller, server: type[MailServer]) -> None:
    server.answer = SMTPRecipientsRefused({"x": (550, b"no such user")})
    message = queued(controller)
    letters.deliver_due()
    entry = LedgerEntry.objects.get(type="letter.failed")
    assert entry.object_ref == f"request:{message.scope_id.hex}"
    assert "mail.refused" in entry.payload
    assert "jane" not in entry.payload


def test_a_silent_mail_server_holds_the_worker_for_half_a_minute_at_most(settings: Settings) -> None:
    assert 0 < settings.EMAIL_TIMEOUT <= 30


def test_letters_go_out_before_long_work_begins() -> None:
    names = sorted(sockets.work)
    assert names.index("letters") < min(names.index(name) for name in names if name.startswith(("dsar", "requests")))
