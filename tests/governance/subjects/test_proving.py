"""Proof of an address: the code in the sealed letter opens it, five tries at most, and nothing tells who is known."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.db import connection, transaction
from django.utils import timezone

from governance import subjects, vault
from governance.errors import BadInput, CodeRefused, Conflict, Erased, TooManyRequests
from governance.fields import Scope
from governance.keys import data_keys
from governance.models import AddressProof, Controller, DataKey, LedgerEntry, OutgoingMessage
from governance.policy.principal import worker
from governance.policy.vocabulary import RevealPurpose
from governance.subjects import letters, proving

ADDRESS = "ada.canary@example.org"


@pytest.fixture
def controller(db: None) -> Controller:
    return Controller.objects.create(slug="acme", name="Acme", contact="hello@acme.example")


def _start(
    controller: Controller, address: str = ADDRESS, purpose: str = "preferences", **more: object
) -> AddressProof:
    return proving.start(controller, address, purpose=purpose, language="en", **more)  # type: ignore[arg-type]


def _opened(message: OutgoingMessage, part: str = "text") -> str:
    return str(
        vault.reveal(
            getattr(message, part),
            principal=worker(message.controller_id.hex),
            purpose=RevealPurpose.LETTER_DELIVERY,
        )
    )


def _code(proof: AddressProof) -> str:
    text = _opened(OutgoingMessage.objects.get(scope_kind="proof", scope_id=proof.pk))
    found = re.search(r"\b(\d{6})\b", text)
    assert found
    return found[1]


def _wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def test_the_code_of_the_letter_proves_the_address_once(controller: Controller) -> None:
    proof = _start(controller)
    code = _code(proof)
    proven = proving.confirm(proof.pk, f" {code[:3]} {code[3:]} ")
    assert (proven.type, proven.value, proven.controller_id) == ("email", ADDRESS, controller.pk)
    assert proving.is_open(proof.pk)
    assert proving.address_of(proof.pk).value == ADDRESS
    with pytest.raises(CodeRefused):
        proving.confirm(proof.pk, code)


def test_a_wrong_code_is_refused_and_five_of_them_end_it(controller: Controller) -> None:
    proof = _start(controller)
    code = _code(proof)
    for _attempt in range(proving.ATTEMPTS):
        with pytest.raises(CodeRefused):
            proving.confirm(proof.pk, _wrong(code))
    with pytest.raises(CodeRefused):
        proving.confirm(proof.pk, code)
    assert not proving.is_open(proof.pk)
    assert LedgerEntry.objects.filter(type="address.refused").count() == proving.ATTEMPTS


def test_four_wrong_codes_still_leave_one_try(controller: Controller) -> None:
    proof = _start(controller)
    code = _code(proof)
    for _attempt in range(proving.ATTEMPTS - 1):
        with pytest.raises(CodeRefused):
            proving.confirm(proof.pk, _wrong(code))
    assert proving.confirm(proof.pk, code).value == ADDRESS


@pytest.mark.parametrize("code", ["", "abcdef", "٣٣٣٣٣٣", "0" * 10_000, "\x00"])
def test_odd_codes_are_refused(controller: Controller, code: str) -> None:
    with pytest.raises(CodeRefused):
        proving.confirm(_start(controller).pk, code)


def test_the_code_works_for_fifteen_minutes_and_not_longer(controller: Controller) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        early, late = _start(controller), _start(controller, "other@example.org")
        codes = _code(early), _code(late)
        clock.shift(proving.CODE_LIFETIME - timedelta(seconds=1))
        assert proving.confirm(early.pk, codes[0])
        clock.shift(timedelta(seconds=1))
        with pytest.raises(CodeRefused):
            proving.confirm(late.pk, codes[1])


def test_a_newer_code_takes_the_place_of_the_older_but_only_for_the_same_purpose(controller: Controller) -> None:
    older, other_purpose = _start(controller), _start(controller, purpose="request")
    code, other_code = _code(older), _code(other_purpose)
    _start(controller, ADDRESS.upper(), replaces=other_purpose.pk)
    newer = _start(controller, ADDRESS.upper(), replaces=older.pk)
    with pytest.raises(CodeRefused):
        proving.confirm(older.pk, code)
    assert proving.confirm(newer.pk, _code(newer)).value == ADDRESS.upper()
    assert proving.confirm(other_purpose.pk, other_code).value == ADDRESS


def test_the_session_ends_and_its_key_goes(controller: Controller) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        proof = _start(controller)
        proving.confirm(proof.pk, _code(proof))
        assert proving.purge_expired() == 0
        clock.shift(proving.SESSION_LIFETIME)
        assert not proving.is_open(proof.pk)
        with pytest.raises(CodeRefused):
            proving.address_of(proof.pk)
        assert proving.purge_expired() == 1
        assert proving.purge_expired() == 0
    proof.refresh_from_db()
    assert proof.address is None
    assert proof.purged_at is not None
    assert not OutgoingMessage.objects.filter(scope_id=proof.pk).exists()
    assert DataKey.objects.get(scope_id=proof.pk).state == "destroyed"
    with pytest.raises(Erased):
        vault.seal(ADDRESS, label="proof.address", scope=proving.scope_of(proof))


def test_a_proof_that_nobody_confirmed_is_purged_too_and_later_forgotten(controller: Controller) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        proof = _start(controller)
        clock.shift(proving.CODE_LIFETIME)
        assert proving.purge_expired() == 1
        clock.shift(timedelta(days=2))
        proving.purge_expired()
    assert not AddressProof.objects.filter(pk=proof.pk).exists()


def test_closing_ends_the_session_at_once(controller: Controller) -> None:
    proof = _start(controller)
    proving.confirm(proof.pk, _code(proof))
    proving.close(proof.pk)
    assert not proving.is_open(proof.pk)
    proving.close(proof.pk)


def test_one_address_gets_five_codes_an_hour_and_others_are_not_held_up(controller: Controller) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _turn in range(5):
            _start(controller)
        with pytest.raises(TooManyRequests):
            _start(controller, f" {ADDRESS.upper()} ")
        _start(controller, "other@example.org")
        other = Controller.objects.create(slug="other", name="Other")
        _start(other)
        clock.shift(timedelta(hours=1))
        _start(controller)


def test_a_stranger_who_asks_for_the_same_address_ends_no_code_and_uses_up_no_limit(controller: Controller) -> None:
    mine = _start(controller, source="192.0.2.1")
    code = _code(mine)
    for _turn in range(5):
        _start(controller, source="198.51.100.7")
    with pytest.raises(TooManyRequests):
        _start(controller, source="198.51.100.7")
    assert proving.confirm(mine.pk, code).value == ADDRESS
    assert _start(controller, source="192.0.2.1")


def test_one_source_is_held_up_before_anybody_else_is(controller: Controller) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for turn in range(30):
            _start(controller, f"nobody{turn}@example.org", source="198.51.100.7")
        with pytest.raises(TooManyRequests):
            _start(controller, "nobody@example.org", source="198.51.100.7")
        assert _start(controller, "nobody@example.org", source="192.0.2.1")
        assert _start(controller, "somebody@example.org")  # staff, services and our own work
        clock.shift(timedelta(hours=1, seconds=1))
        assert _start(controller, "nobody@example.org", source="198.51.100.7")


def test_an_address_gets_twenty_codes_a_day_from_wherever(controller: Controller) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for turn in range(20):
            _start(controller, source=f"192.0.2.{turn}")
            clock.shift(timedelta(minutes=10))
        with pytest.raises(TooManyRequests):
            _start(controller, source="192.0.2.99")


@pytest.mark.parametrize("address", ["", "ada", "a@b@c", "a b@example.org", "x" * 300 + "@example.org", "a@\x00.org"])
def test_what_is_no_address_is_refused_without_repeating_it(controller: Controller, address: str) -> None:
    with pytest.raises(BadInput) as refused:
        _start(controller, address)
    assert refused.value.errors[0].pointer == "/address"
    assert not address or address not in f"{refused.value} {refused.value.errors}"
    assert not AddressProof.objects.exists()


def test_known_and_unknown_people_cost_the_same_statements(controller: Controller) -> None:
    subjects.register(controller, [("email", ADDRESS)], principal=worker(controller.pk.hex))
    _start(controller, "warm@example.org")
    counts = []
    for address in (ADDRESS, "stranger@example.org"):
        before = len(connection.queries_log)
        connection.force_debug_cursor = True
        try:
            _start(controller, address)
        finally:
            connection.force_debug_cursor = False
        counts.append(len(connection.queries_log) - before)
    assert counts[0] == counts[1] > 0


def test_nothing_readable_is_stored(controller: Controller) -> None:
    proof = _start(controller)
    code = _code(proof)
    rows = [*AddressProof.objects.values(), *OutgoingMessage.objects.values(), *LedgerEntry.objects.values()]
    shown = repr([[bytes(v) if isinstance(v, memoryview) else v for v in row.values()] for row in rows])
    for secret in (ADDRESS, "canary", f"'{code}'"):
        assert secret not in shown
    assert ADDRESS not in repr(proving.confirm(proof.pk, code))


# --- Letters ----------------------------------------------------------------------------------------------------------


def test_a_letter_goes_out_once_with_text_and_html(controller: Controller) -> None:
    _start(controller)
    assert letters.deliver_due() == 1
    assert letters.deliver_due() == 0
    (sent,) = mail.outbox
    assert sent.to == [ADDRESS]
    assert sent.subject == "Your code for Acme"
    assert "Acme" in sent.from_email
    assert sent.extra_headers["Message-ID"].startswith(f"<{OutgoingMessage.objects.get().pk.hex}@")
    html = sent.alternatives[0][0]
    assert re.search(r"\d{6}", sent.body)[0] in html
    assert "http" not in html
    assert OutgoingMessage.objects.get().state == "sent"


def test_a_mail_server_that_is_down_ends_the_run_and_the_letters_wait(controller: Controller, settings: object) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    with time_machine.travel(timezone.now(), tick=False) as clock:
        _start(controller)
        _start(controller, "other@example.org")
        assert letters.deliver_due() == 0
        assert letters.deliver_due() == 0
        held = OutgoingMessage.objects.order_by("attempts").values_list("state", "attempts", "error")
        assert list(held) == [("queued", 0, ""), ("queued", 1, "mail.unavailable")]
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        clock.shift(timedelta(minutes=3))
        assert letters.deliver_due() == 2


def test_a_letter_fails_for_good_after_its_last_attempt(controller: Controller, settings: object) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    scope = Scope(controller.pk.hex, "request", uuid.uuid4().hex)
    with transaction.atomic():
        letters.queue(controller, scope, ADDRESS, "Hello", "Text")
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _day in range(6):
            letters.deliver_due()
            clock.shift(timedelta(days=2))
    message = OutgoingMessage.objects.get()
    assert (message.state, message.attempts, message.error) == ("failed", 6, "mail.unavailable")
    assert letters.deliver_due() == 0


def test_a_letter_whose_key_is_gone_is_never_sent(controller: Controller) -> None:
    proof = _start(controller)
    data_keys.destroy(proving.scope_of(proof))
    assert letters.deliver_due() == 0
    assert (OutgoingMessage.objects.get().state, OutgoingMessage.objects.get().error) == ("failed", "subject.erased")
    assert not mail.outbox


def test_a_subject_cannot_add_headers_and_html_is_optional(controller: Controller) -> None:
    scope = Scope(controller.pk.hex, "request", uuid.uuid4().hex)
    with transaction.atomic():
        letters.queue(controller, scope, ADDRESS, "Hello\r\nBcc: eve@example.org", "Text", reference="R-1")
    assert letters.deliver_due() == 1
    (sent,) = mail.outbox
    assert sent.recipients() == [ADDRESS]
    assert sent.subject == "Hello Bcc: eve@example.org"
    assert not sent.alternatives


def test_an_address_that_no_mail_can_carry_fails_alone(controller: Controller) -> None:
    scope = Scope(controller.pk.hex, "request", uuid.uuid4().hex)
    with transaction.atomic():
        letters.queue(controller, scope, "ada\n@example.org", "Hello", "Text")
        letters.queue(controller, scope, ADDRESS, "Hello", "Text")
    assert letters.deliver_due() == 1
    assert sorted(OutgoingMessage.objects.values_list("state", "error")) == [("failed", "mail.unusable"), ("sent", "")]


@pytest.mark.django_db(transaction=True)
def test_a_letter_is_queued_inside_a_transaction_only() -> None:
    controller = Controller.objects.create(slug="acme", name="Acme")
    with pytest.raises(Conflict):
        letters.queue(controller, Scope(controller.pk.hex, "request", uuid.uuid4().hex), ADDRESS, "Hello", "Text")


def test_a_claimed_letter_is_left_alone(controller: Controller) -> None:
    _start(controller)
    message = OutgoingMessage.objects.get()
    OutgoingMessage.objects.update(attempts=1)
    assert not letters._claim(message)  # noqa: SLF001  # the race itself


def test_the_letter_says_until_when_by_the_clocks_of_the_place(controller: Controller) -> None:
    with time_machine.travel(datetime(2026, 7, 1, 22, 50, tzinfo=UTC), tick=False):
        proof = _start(controller)
    message = OutgoingMessage.objects.get(scope_kind="proof", scope_id=proof.pk)
    assert "for 15 minutes, until 01:05 CEST." in _opened(message)
    assert "for 15 minutes, until 01:05 CEST." in _opened(message, "html")
