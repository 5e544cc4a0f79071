"""The console's admin site; who may enter and what the start page shows, no page of its own."""

from __future__ import annotations

from django.contrib.admin import AdminSite


class ConsoleSite(AdminSite):
    """Django's admin site, for officers."""
