"""Seals the service's own short secrets, which belong to no controller and no data subject; never personal data.

Each text gets a random key of its own, wrapped by the root key on a branch apart from the controllers' keys. The stored
form names the root key that wrapped it, so that a root key that is only kept for decryption still opens it.
"""

import base64
import binascii
import re

from governance.crypto.envelope import Cipher, Place, decrypt, encrypt, header, new_key, new_key_id
from governance.crypto.errors import CryptoError
from governance.errors import SealRefused
from governance.fields import Scope
from governance.keys.providers import Provider, Wrapped, named, provider

#: Takes the controller's place in a scope. No controller has this name: theirs are 32 hexadecimal digits.
INSTALLATION = "installation"

#: What every sealed text begins with.
FORM = "cxs1"
_BRANCH = "secret-text"


def seal(text: str, *, label: str, scope: Scope) -> str:
    """Answer the text sealed for one place, as text."""
    key, key_id = new_key(), new_key_id()
    provider_key, wrapped = provider().wrap(key, _context(key_id))
    envelope = encrypt(Cipher(key), key_id, text.encode(), _place(label, scope))
    # The provider's name of its key comes last: it alone may hold any character.
    return ".".join((FORM, _encoded(wrapped), _encoded(envelope), provider_key))


def unseal(sealed: str, *, label: str, scope: Scope) -> str:
    """Answer the text; raises SealRefused for anything that was not sealed for this very place."""
    try:
        form, wrapped, envelope, provider_key = sealed.split(".", 3)
        if form != FORM:
            raise SealRefused("A secret is stored in a form that is not known")
        box = _decoded(envelope)
        key_id = header(box).key_id
        key = _keeper(provider_key).unwrap(provider_key, _decoded(wrapped), _context(key_id))
        return decrypt(Cipher(key), key_id, box, _place(label, scope)).decode()
    except (ValueError, CryptoError) as refused:
        raise SealRefused("A secret does not belong to this place") from refused


def rewrap(sealed: str) -> str:
    """Answer the text with its key wrapped by the root key that wraps now; the text itself is not opened."""
    form, wrapped, envelope, provider_key = sealed.split(".", 3)
    old = Wrapped(provider_key, _decoded(wrapped), _context(header(_decoded(envelope)).key_id))
    keeper = _keeper(provider_key)
    if keeper is provider():
        (new,) = keeper.rewrap([old])
    else:
        new = Wrapped(
            *provider().wrap(keeper.unwrap(old.provider_key, old.blob, old.context), old.context), old.context
        )
    return ".".join((form, _encoded(new.blob), envelope, new.provider_key))


def _keeper(provider_key: str) -> Provider:
    """The key store that a root key's name is of: while an installation moves, texts of two stores are about."""
    if re.fullmatch("[0-9a-f]{16}", provider_key):
        return provider() if provider().name in {"env", "local"} else named("local")
    kinds = (("arn:", "kms"), ("label:", "pkcs11"))
    return named(next((name for start, name in kinds if provider_key.startswith(start)), "vault"))


def _place(label: str, scope: Scope) -> Place:
    return Place(scope.controller, label, scope.kind, scope.id)


def _context(key_id: bytes) -> tuple[str, ...]:
    # The envelope binds the place; a key that does not open then means the wrong key file, and nothing else.
    return (_BRANCH, key_id.hex())


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, altchars=b"-_", validate=True)
    except binascii.Error as refused:
        raise SealRefused("A secret is not stored as it was written") from refused
