"""Plugs the requests app into the kernel's sockets; no behaviour of its own."""

from __future__ import annotations

from django.apps import AppConfig


class DsarConfig(AppConfig):
    """Requests by data subjects."""

    name = "dsar"
    verbose_name = "Requests"

    def ready(self) -> None:
        """Plug in the periodic work, the person's own requests, the home page's panel and the console's pages."""
        from dsar import admin, sockets, tasks
        from dsar.services import parcels
        from governance import registry

        registry.register_files(parcels.held_under)
        registry.register_restraint(sockets.restrains)
        registry.register_work("requests", tasks.work)
        registry.register_personal_data("dsar", sockets.personal_data)
        registry.register_references("dsar", sockets.references)
        registry.register_panel(sockets.panel)
        registry.register_panel(sockets.lasting_panel)
        admin.register()
