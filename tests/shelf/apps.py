"""An app with sealed columns of every kind, for tests alone; no installation has it."""

from django.apps import AppConfig


class ShelfConfig(AppConfig):
    name = "tests.shelf"
    label = "shelf"
    default_auto_field = "django.db.models.BigAutoField"
