"""Letters to people: queued in the transaction that needs them, sent by the tick; what they say is sealed at rest."""

from __future__ import annotations

from datetime import timedelta
from email.utils import formataddr
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import router, transaction
from django.utils import timezone
from django.utils.translation import gettext

from governance import audit, vault
from governance.errors import Conflict, KeyUnavailable, SealRefused
from governance.keys import index_keys
from governance.models import Brand, OutgoingMessage
from governance.policy.principal import worker
from governance.policy.vocabulary import AuditType, RevealPurpose

if TYPE_CHECKING:
    from django.core.mail.backends.base import BaseEmailBackend
    from django.db.models import QuerySet

    from governance.fields import Scope, Sealed
    from governance.models import Controller

_BATCH: Final = 50
#: How long a claim keeps others away, and when the next attempt is due; after the last one the letter has failed.
_NEXT_ATTEMPT: Final = tuple(timedelta(minutes=minutes) for minutes in (2, 5, 30, 120, 480, 1440))
_PAUSE: Final = timedelta(minutes=1)

_SENT, _LATER, _REFUSED, _FAILED = "", "mail.unavailable", "mail.refused", "mail.unusable"
_DOWN: Final = "mail.down"  # said inside this module alone: nobody can be written to now
_PERMANENT: Final = 500  # RFC 5321 §4.2.1: 4yz may be tried again, 5yz may not


def queue(  # noqa: PLR0913, PLR0917  # a letter has this many parts
    controller: Controller,
    scope: Scope,
    to: str,
    subject: str,
    text: str,
    html: str | None = None,
    reference: str = "",
    brand: Brand | None = None,
) -> OutgoingMessage:
    """Queue one letter, sealed under the key of what it is about, from its brand. Refuses outside a transaction.

    Raises Erased when that key was destroyed. A letter whose key is destroyed before it went out is never sent.
    """
    if not transaction.get_connection(router.db_for_write(OutgoingMessage)).in_atomic_block:
        raise Conflict(gettext("A letter is queued in the transaction of the change it tells of; open one first."))
    instant = timezone.now()
    message = OutgoingMessage(
        controller=controller,
        brand=brand,
        scope_kind=scope.kind,
        scope_id=UUID(scope.id),
        reference=reference,
        to=vault.seal(to, label="mail.to", scope=scope),
        # A line break in a header would let a name add recipients.
        subject=vault.seal(" ".join(subject.split()), label="mail.subject", scope=scope),
        text=vault.seal(text, label="mail.text", scope=scope),
        html=None if html is None else vault.seal(html, label="mail.html", scope=scope),
        created_at=instant,
        due_at=instant,
    )
    message.save(force_insert=True)
    return message


def forget(scope: Scope) -> int:
    """Delete the letters about this owner; called where its key is destroyed."""
    return OutgoingMessage.objects.filter(scope_kind=scope.kind, scope_id=UUID(scope.id)).delete()[0]


def deliver_due() -> int:
    """Send what is due, oldest first; answers how many letters went out. A mail server that is down ends the run.

    Each letter is claimed by compare-and-set, so two workers never send the same one. A worker killed between sending
    and noting it leads to a second copy with the same Message-ID, never to a lost letter.
    """
    sent, connection = 0, get_connection()
    try:
        for message in _due()[:_BATCH]:
            if not _claim(message):
                continue
            error = _send(message, connection)
            _note(message, _LATER if error == _DOWN else error)
            sent += error == _SENT
            if error == _DOWN:
                # Otherwise every tick would knock on a closed door with the next letter.
                _due().update(due_at=timezone.now() + _PAUSE)
                break
    finally:
        connection.close()
    return sent


def _due() -> QuerySet[OutgoingMessage]:
    rows = OutgoingMessage.objects.filter(state=OutgoingMessage.State.QUEUED, due_at__lte=timezone.now())
    return rows.select_related("controller", "brand").order_by("due_at", "created_at")


def _claim(message: OutgoingMessage) -> bool:
    held = OutgoingMessage.objects.filter(
        pk=message.pk, state=OutgoingMessage.State.QUEUED, attempts=message.attempts, due_at=message.due_at
    )
    wait = _NEXT_ATTEMPT[min(message.attempts, len(_NEXT_ATTEMPT) - 1)]
    message.attempts += 1
    return held.update(attempts=message.attempts, due_at=timezone.now() + wait) == 1


def _send(message: OutgoingMessage, connection: BaseEmailBackend) -> str:
    """Answer an error code, empty when the letter went out."""
    try:
        letter = _letter(message, connection)
        if letter is None:
            return "subject.erased"
        connection.open()  # answers at once when it is open: one connection for the whole run
        letter.send()
    except (SMTPRecipientsRefused, SMTPDataError) as refused:
        return _REFUSED if _code_of(refused) >= _PERMANENT else _LATER
    except (SMTPException, OSError, KeyUnavailable):
        return _DOWN
    except (ValueError, SealRefused):
        # An address or subject that no mail can carry (Django's BadHeaderError), or a row that was tampered with.
        return _FAILED
    return _SENT


def _code_of(refused: SMTPRecipientsRefused | SMTPDataError) -> int:
    if isinstance(refused, SMTPDataError):
        return int(refused.smtp_code)
    return min((code for code, _text in refused.recipients.values()), default=0)


def _letter(message: OutgoingMessage, connection: BaseEmailBackend) -> EmailMultiAlternatives | None:
    parts: list[Sealed] = [message.to, message.subject, message.text]
    if message.html is not None:
        parts.append(message.html)
    opened = vault.reveal_many(
        parts,
        principal=worker(message.controller_id.hex),
        purpose=RevealPurpose.LETTER_DELIVERY,
        object_ref=f"message:{message.pk.hex}",
    )
    texts = [value for value in opened if isinstance(value, str)]
    if len(texts) < len(parts):
        return None
    letter = EmailMultiAlternatives(
        subject=texts[1],
        body=texts[2],
        from_email=_sender(message),
        to=[index_keys.mail_address(texts[0])],
        connection=connection,
        headers={
            "Message-ID": f"<{message.pk.hex}@{urlsplit(settings.GOVERNANCE_PUBLIC_URL).hostname or 'localhost'}>",
            "Auto-Submitted": "auto-generated",  # RFC 3834: no out-of-office answers to us
        },
    )
    for html in texts[3:]:
        letter.attach_alternative(html, "text/html")
    return letter


def _sender(message: OutgoingMessage) -> str:
    """Name the brand that the letter is written for, under its address; without one, the controller."""
    if message.brand is not None and message.brand.sender:
        return formataddr((message.brand.name, message.brand.sender))
    name = message.brand.name if message.brand is not None else message.controller.name
    return formataddr((name, settings.DEFAULT_FROM_EMAIL))


def _note(message: OutgoingMessage, error: str) -> None:
    row = OutgoingMessage.objects.filter(pk=message.pk, attempts=message.attempts)
    if error == _SENT:
        row.update(state=OutgoingMessage.State.SENT, sent_at=timezone.now(), error="")
    elif error == _LATER and message.attempts < len(_NEXT_ATTEMPT):
        row.update(error=error)
    else:
        _give_up(message, row, error)


@transaction.atomic(durable=True)
def _give_up(message: OutgoingMessage, row: QuerySet[OutgoingMessage], error: str) -> None:
    """Let a letter fail for good. That somebody was not told is an event: a person has to reach them another way."""
    if row.update(state=OutgoingMessage.State.FAILED, error=error):
        audit.record(
            AuditType.LETTER_FAILED,
            actor=worker(message.controller_id.hex),
            controller_id=message.controller_id,
            object_ref=f"{message.scope_kind}:{message.scope_id.hex}",
            details={"attempts": message.attempts, "error": error},
        )
