"""Plugs the consent app into the kernel's sockets; no behaviour of its own."""

from __future__ import annotations

from django.apps import AppConfig


class ConsentConfig(AppConfig):
    """The app that answers the question of use."""

    name = "consent"
    verbose_name = "Consent"

    def ready(self) -> None:
        """Name the tables that only grow, and plug in."""
        from consent import admin, sockets
        from governance import registry
        from governance.models import append_only

        append_only.add("consent_noticerevision")
        append_only.add("consent_consentevent")
        registry.register_lawfulness(sockets.ConsentLawfulness())
        registry.register_erasure(sockets.erase)
        registry.register_personal_data("consent", sockets.export)
        registry.register_panel(sockets.panel)
        admin.register()
