"""SealedField and Sealed: a column that loads as ciphertext and stays so; opening it is the vault's verb, not ours."""

import base64
from dataclasses import dataclass
from typing import Any, NoReturn

from django.db import models
from django.db.models.query_utils import DeferredAttribute

from governance.errors import SealRefused

TEXT_FORM = "cxp1."


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose key seals: the controller, the kind of owner (`subject`, `request`, `controller`) and its UUID as hex."""

    controller: str
    kind: str
    id: str


@dataclass(frozen=True, slots=True, repr=False)
class Sealed:
    """An envelope with the label and scope it is bound to. Shows, formats and pickles without plaintext."""

    envelope: bytes
    label: str
    scope: Scope | None = None

    def __repr__(self) -> str:
        return f"<sealed {self.label}>"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return repr(self)


class SealedAttribute(DeferredAttribute):
    """Gives a loaded value the place of its row, and refuses anything that is not sealed on assignment."""

    def __get__(self, instance: Any, cls: type | None = None) -> Any:
        value = super().__get__(instance, cls)
        if instance is None or not isinstance(value, Sealed) or value.scope is not None:
            return value
        field: SealedField = self.field  # type: ignore[assignment]  # this descriptor is made by SealedField only
        placed = Sealed(value.envelope, value.label, field.scope_of(instance))
        instance.__dict__[field.attname] = placed
        return placed

    def __set__(self, instance: Any, value: object) -> None:
        if value is not None and not isinstance(value, Sealed):
            # Transparent fields let a client's text, or ciphertext of another row, slip in as a value.
            message = f"{self.field.model.__name__}.{self.field.attname} takes vault.seal(…) or None"
            raise SealRefused(message)
        instance.__dict__[self.field.attname] = value


class SealedField(models.BinaryField):  # type: ignore[type-arg]  # the stubs give BinaryField no parameters here
    """Stores one envelope, bound to a declared label and to the owner named by two attributes of the row.

    The label is a declared constant, never a table or column name, so that renaming a column keeps its data readable.
    """

    descriptor_class = SealedAttribute
    empty_strings_allowed = False  # a new row starts with None: empty bytes are no envelope

    def __init__(
        self, *, label: str = "", scope_kind: str = "subject", scope_field: str = "subject_id", **kwargs: Any
    ) -> None:
        self.label = label
        self.scope_kind = scope_kind
        self.scope_field = scope_field
        kwargs["editable"] = False
        super().__init__(**kwargs)

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        """Keep the declaration in migrations; there is no key material in it."""
        name, path, args, kwargs = super().deconstruct()
        kwargs.update(label=self.label, scope_kind=self.scope_kind, scope_field=self.scope_field)
        kwargs.pop("editable", None)
        return name, path, args, kwargs

    def scope_of(self, instance: models.Model) -> Scope:
        """Name the owner of this row's value. A row without an owner has no place, so nothing can be sealed for it."""
        controller = getattr(instance, "controller_id", None)
        owner = getattr(instance, self.scope_field, None)
        if controller is None or owner is None:
            message = f"{type(instance).__name__} needs controller and {self.scope_field} before {self.attname}"
            raise SealRefused(message)
        return Scope(controller.hex, self.scope_kind, owner.hex)

    def from_db_value(self, value: object, _expression: object, _connection: object) -> Sealed | None:
        """Wrap what the driver returned; the place is added when the attribute of a row is read."""
        return None if value is None else Sealed(bytes(value), self.label)  # type: ignore[call-overload]  # driver bytes

    def to_python(self, value: object) -> Sealed | None:
        """Refuse text: an envelope that comes from a client is never opened."""
        if value is None or isinstance(value, Sealed):
            return value
        return self._refuse("takes vault.seal(…) or None")

    def pre_save(self, instance: models.Model, add: bool) -> Sealed | None:  # noqa: FBT001  # Django's signature
        """Check label and owner at the last moment before the write."""
        value: Sealed | None = super().pre_save(instance, add)
        if isinstance(value, Sealed) and (value.label, value.scope) != (self.label, self.scope_of(instance)):
            self._refuse("was sealed for another label or owner; seal it for this row")
        return value

    def get_prep_value(self, value: object) -> Any:
        """Pass the envelope on; anything else was meant as plaintext and is refused."""
        if value is None:
            return None
        if not isinstance(value, Sealed):
            self._refuse("cannot be written or compared in SQL; use vault.seal and vault.match")
        return super().get_prep_value(value.envelope)

    def get_placeholder(self, value: object, _compiler: object, _connection: object) -> str:
        """Refuse expressions: peers stored the text of an F() expression as the value."""
        if hasattr(value, "resolve_expression"):
            self._refuse("does not take expressions; read, seal and save the row")
        return "%s"

    def get_lookup(self, lookup_name: str) -> Any:
        """Allow `isnull` only: ciphertext never compares."""
        if lookup_name != "isnull":
            self._refuse(f"has no lookup {lookup_name}; use vault.match on the blind index")
        return super().get_lookup(lookup_name)

    def get_transform(self, lookup_name: str) -> Any:
        """Refuse transforms for the same reason."""
        self._refuse(f"has no transform {lookup_name}")

    def value_to_string(self, obj: models.Model) -> str:
        """Give `dumpdata` the envelope in its text form, never plaintext."""
        value = self.value_from_object(obj)
        return "" if value is None else TEXT_FORM + base64.urlsafe_b64encode(value.envelope).decode().rstrip("=")

    def formfield(self, *_args: object, **_kwargs: object) -> None:
        """No form edits a sealed value."""
        return

    def _refuse(self, why: str) -> NoReturn:
        message = f"{self.model.__name__}.{self.name} {why}"
        raise SealRefused(message)
