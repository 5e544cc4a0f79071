"""Chooses the root key provider of this installation from its settings; the contract is contract.py's."""

from functools import lru_cache
from typing import Final

from django.conf import settings
from django.utils.module_loading import import_string

from governance.errors import KeyUnavailable
from governance.keys.providers.contract import Provider, Wrapped

__all__ = ["Provider", "Wrapped", "named", "prepare", "provider", "start_anew"]

_HERE: Final = "governance.keys.providers"
#: Loaded only when chosen: a package that an installation does not use need not be there.
_PROVIDERS: Final = {
    "env": f"{_HERE}.environment.EnvironmentProvider",
    "kms": f"{_HERE}.aws_kms.KmsProvider",
    "local": f"{_HERE}.local.LocalProvider",
    "pkcs11": f"{_HERE}.pkcs11.Pkcs11Provider",
    "vault": f"{_HERE}.vault_transit.VaultProvider",
}
_EXTRAS: Final = {"kms": "aws", "pkcs11": "pkcs11"}


def provider() -> Provider:
    """The provider this installation is configured with, loaded once per process."""
    return named(settings.GOVERNANCE_KEY_PROVIDER)


@lru_cache(maxsize=len(_PROVIDERS))
def named(name: str) -> Provider:
    """A provider by the name that rows carry: while an installation moves, keys of two are in use."""
    if name not in _PROVIDERS:
        message = f"GOVERNANCE_KEY_PROVIDER is one of {', '.join(_PROVIDERS)}"
        raise KeyUnavailable(message)
    try:
        chosen = import_string(_PROVIDERS[name])
    except ImportError as missing:
        message = f"The key provider {name} needs the extra {_EXTRAS.get(name, name)}: see docs/dependencies.md"
        raise KeyUnavailable(message) from missing
    made: Provider = chosen.from_settings()
    return made


def prepare() -> None:
    """Make the root secrets of a store that hands out none, outside any transaction; changes none that exist."""
    provider().index_root()
    provider().signing_seeds()


def start_anew() -> None:
    """In a forked child: connections and sessions of the parent are not ours to use, so new ones are opened."""
    named.cache_clear()
