"""Values of people named by an identifier: sealed, opened and tokenised in bulk, with an outcome for each in order.

Whoever is not known here, or is known to another controller only, is not found: the same answer, after the same work.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.utils.translation import gettext

from governance.errors import BadInput
from governance.fields import TEXT_FORM
from governance.fields.codec import decode, encode
from governance.keys import data_keys
from governance.models import DataSubject, VaultToken
from governance.subjects.registering import find_many, require_usable, scope_of
from governance.vault.outcomes import Outcome, Status, Wanted, disclose
from governance.vault.sealing import seal_many
from governance.vault.tokens import TokenWanted, tokenise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import timedelta
    from uuid import UUID

    from governance.fields import Scope
    from governance.fields.codec import Value
    from governance.keys.data_key_rows import OpenKey
    from governance.models import Controller
    from governance.policy.principal import Principal

#: Data categories of fideslang, as kinds of personal data. The service's own labels never begin with `user.`: what it
#: holds itself cannot be asked for at this door.
LABEL: Final = re.compile(r"user(?:\.[a-z][a-z0-9_]{0,40}){1,6}", re.ASCII)
#: The longest sealed text that a door takes, in characters.
LONGEST_SEALED: Final = 1_000_000
#: What stands around it in a body with one item, and around a value in its envelope, at most; in bytes.
_ROUND_ABOUT: Final = 4_096
_ENVELOPE: Final = 256
_PURPOSE: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}", re.ASCII)
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Which tokens are asked for: for which purpose, of which kind, how long they live.

    The same items under the same `call` get the same tokens.
    """

    purpose: str
    kind: str = VaultToken.Kind.RANDOM
    lifetime: timedelta | None = None
    call: UUID | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Item:
    """One value of one person. Its `repr` is the default object's: identifier and value are personal data."""

    identifier: tuple[str, str]
    label: str
    value: Any


def seal_each(controller: Controller, items: Sequence[Item]) -> list[Outcome]:
    """Seal values under the keys of the people named; the sealed text is all that is kept of them, by the caller."""
    usable = {position: item for position, item in enumerate(items) if _is_usable(item) and _is_sealable(item.value)}
    scopes, outcomes = _scopes(controller, usable)
    wanted = list(scopes)
    sealed = seal_many([(items[each].value, items[each].label, scopes[each]) for each in wanted])
    for position, each in zip(wanted, sealed, strict=True):
        outcomes[position] = Outcome(Status.SEALED, text_of(each.envelope))
    return _in_order(items, outcomes)


def reveal_each(controller: Controller, items: Sequence[Item], *, principal: Principal, purpose: str) -> list[Outcome]:
    """Open sealed texts of the people named, each at its label, as far as the caller may see it; audited first."""
    usable = {position: item for position, item in enumerate(items) if _is_usable(item)}
    envelopes = {position: envelope_of(item.value) for position, item in usable.items()}
    usable = {position: item for position, item in usable.items() if envelopes[position]}
    scopes, outcomes = _scopes(controller, usable)
    wanted = list(scopes)
    asked = [
        Wanted(items[each].label, scopes[each], _opener(envelopes[each], items[each], scopes[each])) for each in wanted
    ]
    outcomes |= dict(zip(wanted, disclose(asked, principal=principal, purpose=purpose), strict=True))
    return _in_order(items, outcomes)


def tokenise_each(
    controller: Controller, items: Sequence[Item], asked: Tokens, *, principal: Principal
) -> list[Outcome]:
    """Answer a token for each value of the people named. Joins the caller's transaction."""
    if not _PURPOSE.fullmatch(asked.purpose):
        raise BadInput(gettext("Name the purpose of a token in lower-case letters, digits, - and _"))
    usable = {position: item for position, item in enumerate(items) if _is_usable(item) and _is_encodable(item.value)}
    scopes, outcomes = _scopes(controller, usable)
    wanted = list(scopes)
    made = tokenise([_token_of(items[each], scopes[each], asked, each) for each in wanted], principal=principal)
    outcomes |= {each: Outcome(Status.TOKENISED, text) for each, text in zip(wanted, made, strict=True)}
    return _in_order(items, outcomes)


def _token_of(item: Item, scope: Scope, asked: Tokens, position: int) -> TokenWanted:
    once = "" if asked.call is None else f"{asked.call.hex}/{position}"
    return TokenWanted(item.value, item.label, scope, asked.purpose, asked.kind, asked.lifetime, once)


def text_of(envelope: bytes) -> str:
    """Answer an envelope in the form that interfaces use."""
    return TEXT_FORM + base64.urlsafe_b64encode(envelope).decode().rstrip("=")


def envelope_of(text: object) -> bytes:
    """Answer the envelope of such a text, empty when it is none."""
    if not isinstance(text, str) or not text.startswith(TEXT_FORM):
        return b""
    body = text.removeprefix(TEXT_FORM)
    if not _BASE64URL.fullmatch(body) or len(body) % 4 == 1:
        return b""
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except binascii.Error:  # pragma: no cover  # the pattern above lets nothing else through
        return b""


def _scopes(controller: Controller, items: dict[int, Item]) -> tuple[dict[int, Scope], dict[int, Outcome]]:
    """Find the people and answer their scopes, and the outcomes of those for whom nothing can be done."""
    people = dict(zip(items, find_many(controller, [item.identifier for item in items.values()]), strict=True))
    known = {
        position: scope_of(person)
        for position, person in people.items()
        if person is not None and person.status != DataSubject.Status.ERASED
    }
    barred = data_keys.disabled(set(known.values()))
    outcomes = {position: Outcome(Status.NOT_FOUND) for position in items if position not in known}
    outcomes |= {position: Outcome(Status.DENIED) for position, scope in known.items() if scope in barred}
    return {position: scope for position, scope in known.items() if scope not in barred}, outcomes


def _in_order(items: Sequence[Item], outcomes: dict[int, Outcome]) -> list[Outcome]:
    return [outcomes.get(position) or Outcome(Status.INVALID) for position in range(len(items))]


def _is_usable(item: Item) -> bool:
    try:
        require_usable([item.identifier])
    except BadInput:
        return False
    return LABEL.fullmatch(item.label) is not None


def _is_encodable(value: object) -> bool:
    try:
        encode([value])
    except BadInput:
        return False
    return value is not None


def _is_sealable(value: Any) -> bool:
    """Whether the sealed text can be sent back to be opened: base64 makes it longer by a third, and a body ends."""
    longest = min(LONGEST_SEALED, settings.DATA_UPLOAD_MAX_MEMORY_SIZE - _ROUND_ABOUT)
    return _is_encodable(value) and len(encode(value)) <= longest * 3 // 4 - _ENVELOPE


def _opener(envelope: bytes, item: Item, scope: Scope) -> Callable[[OpenKey], Value]:
    return lambda key: decode(key.at(scope).decrypt(envelope, item.label))
