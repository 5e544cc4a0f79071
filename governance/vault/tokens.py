"""Tokens that stand for a person's value in other systems; they say nothing of it, and are dead when its key is."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from governance import audit
from governance.crypto.ciphers import TokenCipher
from governance.crypto.envelope import OwnedCipher
from governance.errors import BadInput, FieldError, SealRefused
from governance.fields import Scope, Sealed
from governance.fields.codec import decode, encode
from governance.keys import data_keys
from governance.models import VaultToken
from governance.policy.vocabulary import AuditType
from governance.vault.outcomes import Outcome, Status, Wanted, disclose

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from governance.fields.codec import Value
    from governance.keys.data_key_rows import OpenKey
    from governance.policy.principal import Principal

PREFIX: Final = "tok_"
LONGEST_LIFE: Final = timedelta(days=3650)

_LABEL: Final = "token.value"
_LENGTH: Final = 16  # bytes: 128 random bits, or the synthetic vector of AES-SIV
_HEADER: Final = 12


@dataclass(frozen=True, slots=True, repr=False)
class TokenWanted:
    """One value to be tokenised: for which kind of value, whose, for which purpose, and how long it lives.

    `once` names one place in one call: a random token that is asked for there again is the same token.
    """

    value: Value
    label: str
    scope: Scope
    purpose: str
    kind: str = VaultToken.Kind.RANDOM
    lifetime: timedelta | None = None
    once: str = ""


def tokenise(wanted: Sequence[TokenWanted], *, principal: Principal) -> list[str]:
    """Answer a token for each value, in order, in a constant number of statements. Joins the caller's transaction.

    Deterministic ones are equal for equal values of one person, label and purpose, and for nothing else. Raises Erased
    and Disabled as sealing does.
    """
    _require_livable(wanted)
    keys = data_keys.sealers(each.scope for each in wanted)
    made = [_made(each, keys[each.scope]) for each in wanted]
    try:
        with transaction.atomic():
            _keep(made, principal)
    except IntegrityError:
        # Another process made the same deterministic token in this moment: now it is found.
        with transaction.atomic():
            _keep(made, principal)
    return [text for text, _row in made]


def detokenise(controller_id: UUID, tokens: Sequence[str], *, principal: Principal, purpose: str) -> list[Outcome]:
    """Answer what each token stands for, as far as the caller may see it, in a constant number of statements.

    A token of another controller is as unknown as one that was never given out. Refuses to run inside a transaction.
    """
    expire()
    rows = _rows(controller_id, tokens)
    living = {digest: row for digest, row in rows.items() if row.state == VaultToken.State.ACTIVE}
    opened = disclose([_wanted(row) for row in living.values()], principal=principal, purpose=purpose)
    outcomes = dict(zip(living, opened, strict=True))
    expired = Outcome(Status.EXPIRED)
    return [
        outcomes.get(digest) or (expired if digest in rows else Outcome(Status.NOT_FOUND))
        for digest in map(_digest, tokens)
    ]


def expire() -> int:
    """Empty what has passed its end, for good; answers how many. For the tick, and before anything is opened."""
    with transaction.atomic():
        due = VaultToken.objects.filter(state=VaultToken.State.ACTIVE, expires_at__lte=timezone.now())
        return due.recorded().update(state=VaultToken.State.EXPIRED, value=None)


def _require_livable(wanted: Sequence[TokenWanted]) -> None:
    for each in wanted:
        if each.lifetime is None:
            continue
        # The same value must give the same token again: one that has ended could not.
        if each.kind == VaultToken.Kind.DETERMINISTIC or not timedelta() < each.lifetime <= LONGEST_LIFE:
            complaint = FieldError("/expires_in", "Give an end to random tokens only, within ten years")
            raise BadInput("This token cannot have this end", errors=[complaint])


def _made(wanted: TokenWanted, key: OpenKey) -> tuple[str, VaultToken]:
    scope, instant = wanted.scope, timezone.now()
    text = PREFIX + _text(_synthetic(wanted, key) if _is_known(wanted) else secrets.token_bytes(_LENGTH))
    row = VaultToken(
        controller_id=UUID(scope.controller),
        subject_id=UUID(scope.id),
        digest=_digest(text),
        kind=wanted.kind,
        label=wanted.label,
        purpose=wanted.purpose,
        created_at=instant,
        expires_at=None if wanted.lifetime is None else instant + wanted.lifetime,
    )
    content = [wanted.label, wanted.purpose, wanted.value, *_ending(row)]
    row.value = Sealed(key.at(scope).encrypt(encode(content), _LABEL), _LABEL, scope)
    return text, row


def _ending(row: VaultToken) -> list[str]:
    """What the row says of its kind and end, to be sealed: nobody who writes to the database gives a token longer."""
    return [row.kind, "" if row.expires_at is None else row.expires_at.isoformat()]


def _is_known(wanted: TokenWanted) -> bool:
    """Whether the same asking must give the same token: then it is made from the person's key, not drawn."""
    return wanted.kind == VaultToken.Kind.DETERMINISTIC or bool(wanted.once)


def _synthetic(wanted: TokenWanted, key: OpenKey) -> bytes:
    """Answer the tag of AES-SIV over the value under the person's key: equal for equal values, and random to others."""
    scope = wanted.scope
    # The place in a call is part of it, so that a random token tells nothing of equal values, and a call that somebody
    # names alike with another value or end gets another token.
    once = [wanted.once, str(wanted.lifetime)] if wanted.kind == VaultToken.Kind.RANDOM else []
    content = encode([wanted.label, wanted.purpose, _ordered(wanted.value), *once])
    key.at(scope)  # the owner is of this controller
    cipher = TokenCipher(key.cipher.derived("tokens"))
    owned = OwnedCipher(cipher, key.key_id, controller=scope.controller, scope_kind=scope.kind, scope_id=scope.id)
    return owned.encrypt(content, _LABEL)[_HEADER : _HEADER + _LENGTH]


def _ordered(value: Any) -> Any:
    """Put the keys of JSON in order: two objects that differ in that alone are equal."""
    if isinstance(value, dict):
        return {name: _ordered(value[name]) for name in sorted(value, key=str)}
    return [_ordered(each) for each in value] if isinstance(value, list) else value


def _text(token: bytes) -> str:
    return base64.b32encode(token).decode().rstrip("=").lower()


def _digest(text: str) -> bytes:
    # Unkeyed is enough: a token has 128 bits that nobody can try through.
    return sha256(text.encode("utf-8", "backslashreplace")).digest()


def _keep(made: Sequence[tuple[str, VaultToken]], principal: Principal) -> None:
    rows = {bytes(row.digest): row for _text, row in made}
    held = VaultToken.objects.filter(digest__in=list(rows)).values_list("digest", flat=True)
    fresh = [row for digest, row in rows.items() if digest not in {bytes(each) for each in held}]
    if not fresh:
        return
    VaultToken.objects.recorded().bulk_create(fresh)
    for controller_id in {row.controller_id for row in fresh}:
        about: dict[UUID, list[VaultToken]] = {}
        for row in fresh:
            if row.controller_id == controller_id:
                about.setdefault(row.subject_id, []).append(row)
        audit.record_each(
            AuditType.VALUE_TOKENISED,
            actor=principal,
            controller_id=controller_id,
            about={subject_id: _details(theirs) for subject_id, theirs in about.items()},
        )


def _details(rows: Sequence[VaultToken]) -> Mapping[str, list[str] | int]:
    return {
        "labels": sorted({row.label for row in rows}),
        "tokens": len(rows),
        "kinds": sorted({row.kind for row in rows}),
    }


def _rows(controller_id: UUID, tokens: Sequence[str]) -> dict[bytes, VaultToken]:
    wanted = list({_digest(text) for text in tokens})
    found = VaultToken.objects.filter(controller_id=controller_id, digest__in=wanted)
    return {bytes(row.digest): row for row in found}


def _wanted(row: VaultToken) -> Wanted:
    scope = Scope(row.controller_id.hex, "subject", row.subject_id.hex)
    return Wanted(row.label, scope, _opener(row, scope))


def _opener(row: VaultToken, scope: Scope) -> Callable[[OpenKey], Value]:
    def opened(key: OpenKey) -> Value:
        held = decode(key.at(scope).decrypt(row.value.envelope, _LABEL))
        # What the policy judged by stands open in the row; the sealed text says whether it was changed there.
        # A token from before kind and end were sealed has three parts, and nobody else can make one.
        known = [row.label, row.purpose, *_ending(row)]
        if not isinstance(held, list) or held[:2] + held[3:] != known[: len(held) - 1]:
            raise SealRefused("A token's row was changed")
        value: Value = held[2]
        return value

    return opened
