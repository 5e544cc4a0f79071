"""Puts the checklist into the console of a demonstration; elsewhere it adds nothing."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings


class DemoConfig(AppConfig):
    """The demonstration company."""

    name = "config.demo"
    label = "demo"
    verbose_name = "Demonstration"

    def ready(self) -> None:
        """Plug in, where this is a demonstration."""
        if not settings.GOVERNANCE_DEMO:
            return
        from config.demo import checklist
        from governance import registry

        registry.register_panel(checklist.panel)
