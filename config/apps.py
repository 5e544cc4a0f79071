"""App configurations of the project itself: the console's admin site takes the place of Django's."""

from django.contrib.admin.apps import AdminConfig


class ConsoleAdminConfig(AdminConfig):
    """Django's admin with our site."""

    default_site = "governance.console.site.ConsoleSite"
