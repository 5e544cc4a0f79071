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
    """A demonstration must not be deployed, nor a service whose letters go nowhere. E002, E004, E005."""
    found: list[CheckMessage] = []
    if settings.GOVERNANCE_DEMO:
        found.append(Critical("GOVERNANCE_DEMO is on", hint="Unset it in production.", id="governance.E002"))
    if settings.EMAIL_BACKEND.endswith(("dummy.EmailBackend", "console.EmailBackend")):
        message = "EMAIL_URL names no mail server: codes and answers would be lost, and noted as sent"
        found.append(Critical(message, hint="Set EMAIL_URL=smtp+tls://…", id="governance.E004"))
    if not settings.GOVERNANCE_PUBLIC_URL.startswith("https://"):
        message = "GOVERNANCE_PUBLIC_URL is not an https address: links in letters would lead nowhere"
        found.append(Critical(message, hint="Set it to where people reach the service.", id="governance.E005"))
    return found


@register(Tags.database)
def triggers(databases: Any = None, **_kwargs: Any) -> list[CheckMessage]:
    """Append-only tables are guarded. E003. Runs with `check --database default`."""
    names = [name for alias in databases or [] for name in append_only.missing(connections[alias])]
    if names:
        listed = ", ".join(sorted(names))
        return [Error(f"No append-only trigger on: {listed}", hint="Run manage.py migrate.", id="governance.E003")]
    return []
