"""Plugs the requests app into the kernel's sockets; no behaviour of its own."""

from __future__ import annotations

from django.apps import AppConfig


class DsarConfig(AppConfig):
    """Requests by data subjects."""

    name = "dsar"
    verbose_name = "Requests"
