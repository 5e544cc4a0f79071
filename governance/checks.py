"""System checks with stable ids: what must hold before the service may start; they repair nothing."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Critical, Error, Tags, register
from django.db import connections

from governance.errors import KeyUnavailable
from governance.keys.providers import provider
from governance.models import append_only


@register()
def key_store(**_kwargs: Any) -> list[CheckMessage]:
    """The key store opens. E001."""
    try:
        provider().index_root()
    except KeyUnavailable as refused:
        return [Critical(refused.detail, hint="See docs/operating.md, Keys.", id="governance.E001")]
    return []


@register(Tags.security, deploy=True)
def production(**_kwargs: Any) -> list[CheckMessage]:
    """A demonstration must not be deployed. E002."""
    if settings.GOVERNANCE_DEMO:
        return [Critical("GOVERNANCE_DEMO is on", hint="Unset it in production.", id="governance.E002")]
    return []


@register(Tags.database)
def triggers(databases: Any = None, **_kwargs: Any) -> list[CheckMessage]:
    """Append-only tables are guarded. E003. Runs with `check --database default`."""
    names = [name for alias in databases or [] for name in append_only.missing(connections[alias])]
    if names:
        listed = ", ".join(sorted(names))
        return [Error(f"No append-only trigger on: {listed}", hint="Run manage.py migrate.", id="governance.E003")]
    return []
