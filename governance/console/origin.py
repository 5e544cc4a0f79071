"""Where a visitor's call comes from, as the limits count it; the answer is never stored, logged or shown."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Final

from allauth.account.adapter import get_adapter
from django.core.exceptions import ImproperlyConfigured, PermissionDenied

if TYPE_CHECKING:
    from django.http import HttpRequest

#: One subscriber's share of IPv6: a computer there has 2^64 addresses to come from.
_SUBSCRIBER: Final = 64


def source_of(request: HttpRequest) -> str:
    """Answer the network address of the caller; proxies are believed as far as GOVERNANCE_TRUSTED_PROXIES says.

    Whoever comes from nowhere that can be named shares one source: leaving the name out must gain nothing.
    """
    try:
        address = ip_address(get_adapter().get_client_ip(request))
    except (ValueError, PermissionDenied, ImproperlyConfigured):
        return "unknown"
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((address, _SUBSCRIBER), strict=False))
