"""Keyed equality indexes over normalised values, so that a sealed value can be found; knows no key store and no table.

A normaliser changes only together with its version: rows indexed under the old form would silently stop matching.
"""

import hmac
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import idna
import phonenumbers

from governance.crypto.envelope import KEY_LENGTH
from governance.crypto.errors import NormalisationRefused

EXACT_BITS: Final = 128

_CONTEXT: Final = b"cxp/index/1"


@dataclass(frozen=True, slots=True)
class Normaliser:
    """A named way to bring a value to the one form that is indexed."""

    name: str
    version: int
    fn: Callable[[str], str]


def blind_index(key: bytes, normalised: str, *, version: int, bits: int = EXACT_BITS) -> bytes:
    """Answer the version byte and `bits` of keyed digest: 128 for an exact index, fewer for a bucket.

    A bucket only proposes candidates: each is checked again after opening. The key is the index's own.
    """
    if len(key) != KEY_LENGTH:
        raise ValueError("An index key is 32 bytes.")
    if not 1 <= version <= 255:
        raise ValueError("An index version is between 1 and 255.")
    if not 1 <= bits <= EXACT_BITS:
        raise ValueError("An index has between 1 and 128 bits.")
    # Version and width are part of the message, so a bucket is never the prefix of an exact index.
    digest = hmac.digest(key, _CONTEXT + bytes((version, bits)) + _require_encodable(normalised).encode(), "sha256")
    return bytes((version,)) + _leading_bits(digest, bits)


def email(value: str) -> str:
    """Fold case and width of the address and bring its domain to ASCII (IDNA 2008, UTS 46).

    Every non-empty value has a form, also one that is no valid address: an index must never lose a row
    because a validator changed its mind.
    """
    local, at, domain = _clean(value).rpartition("@")
    return _require_text(_fold(local) + at + _domain(domain) if at else _fold(domain))


def phone(value: str, *, region: str | None = None) -> str:
    """Bring a number to E.164, with `;ext=` when it has an extension.

    Raises NormalisationRefused for anything that is no possible number, or has neither + nor a region.
    """
    try:
        number = phonenumbers.parse(_clean(value), region)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise NormalisationRefused("A phone number needs a + and its country code, or a region, and enough digits.")
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{e164};ext={number.extension}" if number.extension else e164


def opaque(value: str) -> str:
    """Trim and compose (NFC) an identifier that some system issued; its case counts."""
    return _require_text(unicodedata.normalize("NFC", _require_encodable(value)).strip())


def digits(value: str) -> str:
    """Keep the decimal digits, in whatever script they were typed."""
    found = (str(unicodedata.decimal(character, "")) for character in _clean(value))
    return _require_text("".join(found))


def name(value: str) -> str:
    """Collapse spaces, fold case and drop accents; letters that are not accented forms stay."""
    folded = unicodedata.normalize("NFKD", _fold(_clean(value)))
    unaccented = "".join(character for character in folded if not unicodedata.combining(character))
    return _require_text(" ".join(unaccented.split()))


NORMALISERS: Final[Mapping[str, Normaliser]] = MappingProxyType(
    {
        normaliser.name: normaliser
        for normaliser in (
            Normaliser("digits", 1, digits),
            Normaliser("email", 1, email),
            Normaliser("name", 1, name),
            Normaliser("opaque", 1, opaque),
            Normaliser("phone", 1, phone),
        )
    }
)


def normalised(normaliser: str, version: int, value: str) -> str:
    """Bring a value to its form under one version of a normaliser; raises NormalisationRefused for none.

    An index keeps the version it was built with. Where the rules change, the old version stays here beside the new one
    until no index is built with it, and rotating an index moves it to the newest.
    """
    entry = NORMALISERS[normaliser]
    if version != entry.version:
        reason = f"The normaliser {normaliser} has no version {version}."
        raise NormalisationRefused(reason)
    return entry.fn(value)


def _clean(value: str) -> str:
    # Invisible format characters (zero-width space, soft hyphen, byte-order mark) ride along in pasted text.
    visible = "".join(character for character in _require_encodable(value) if unicodedata.category(character) != "Cf")
    return unicodedata.normalize("NFKC", visible).strip()


def _fold(text: str) -> str:
    # Folding can leave the compatibility form; composing again makes the result its own form.
    return unicodedata.normalize("NFKC", text.casefold()).strip()


def _domain(domain: str) -> str:
    # Not case-folded before IDNA: folding turns ß into ss, and those are two different domains.
    for candidate in (domain, _fold(domain)):
        text = candidate.strip().rstrip(".")
        if text.isascii():
            return text.lower()
        try:
            return idna.encode(text, uts46=True).decode("ascii").lower()
        except idna.IDNAError:
            continue
    return _fold(domain)


def _require_text(text: str) -> str:
    if not text:
        raise NormalisationRefused("An empty value cannot be indexed.")
    return text


def _require_encodable(text: str) -> str:
    # Asked before encoding: the encoder's own error would carry the value along.
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise NormalisationRefused("A value with lone surrogates cannot be indexed.")
    return text


def _leading_bits(digest: bytes, bits: int) -> bytes:
    length = (bits + 7) // 8
    kept = int.from_bytes(digest[:length], "big")
    spare = length * 8 - bits
    return (kept >> spare << spare).to_bytes(length, "big")
