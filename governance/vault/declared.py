"""Which sealed column a label was declared by, and what it promises of its values; it reads no row."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from django.apps import apps

from governance.errors import SealRefused
from governance.fields import SealedField, sealed_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import Model


@cache
def fields() -> Mapping[str, SealedField]:
    """Answer every sealed column of the installed apps by its label; the same for the life of the process."""
    apps.check_models_ready()
    return {column.label: column for column in sealed_fields()}


def field(model: Model | type[Model], name: str) -> SealedField:
    """Answer one sealed column of a model; raises SealRefused for another kind of column."""
    column = model._meta.get_field(name)
    if not isinstance(column, SealedField):
        message = f"{model._meta.object_name}.{name} is no sealed field; assign the value itself"
        raise SealRefused(message)
    return column
