"""The sealed column and what it loads as: an envelope with its place; it seals and opens nothing."""

import base64
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, NoReturn

from django.apps import apps
from django.core.checks import CheckMessage, Error
from django.db import models
from django.db.models.query_utils import DeferredAttribute

from governance.crypto.index_kinds import Index
from governance.crypto.padding import buckets
from governance.errors import BadInput, FieldError, SealRefused
from governance.fields.column import SealedColumn, SealedIsNull, selected
from governance.fields.kinds import Kind, fits, words

TEXT_FORM = "cxp1."


class Scope(NamedTuple):
    """Whose key seals: the controller, the kind of owner (`subject`, `request`, `controller`) and its UUID as hex."""

    controller: str
    kind: str
    id: str


#: Many rows of one owner share one scope: what a page allocates, the garbage collector walks.
_scope = lru_cache(maxsize=4096)(Scope)


class Sealed:
    """An envelope with the label and scope it is bound to. Shows, formats and pickles without plaintext.

    `row` says where it was read from (model, field, primary key), for errors alone. Nothing about it can be assigned:
    the properties have no setter. They stand over plain slots because a table loads one of these for every row.
    """

    __slots__ = ("_column", "_envelope", "_key", "_label", "_scope")

    def __init__(
        self,
        envelope: bytes,
        label: str,
        scope: Scope | None = None,
        column: "SealedField | None" = None,
        key: object = "",
    ) -> None:
        self._envelope = envelope
        self._label = label
        self._scope = scope
        self._column = column
        self._key = key

    @property
    def envelope(self) -> bytes:
        """The ciphertext with its header."""
        return self._envelope

    @property
    def label(self) -> str:
        """What the value is, as its column declares it."""
        return self._label

    @property
    def scope(self) -> Scope | None:
        """Whose key opens it; None for a bare column value, which has no owner."""
        return self._scope

    @property
    def row(self) -> str:
        """Where it was read from, put into words only when an error asks."""
        column = self._column
        return str(self._key) if column is None else f"{column.model.__name__}.{column.attname} of {self._key}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sealed):
            return NotImplemented
        return (self._envelope, self._label, self._scope) == (other._envelope, other._label, other._scope)

    def __hash__(self) -> int:
        return hash((self._envelope, self._label, self._scope))

    def __reduce__(self) -> tuple[type["Sealed"], tuple[bytes, str, Scope | None, None, str]]:
        return Sealed, (self._envelope, self._label, self._scope, None, self.row)

    def __repr__(self) -> str:
        return f"<sealed {self._label}>"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return repr(self)


class SealedAttribute(DeferredAttribute):
    """Gives a loaded value the place of its row, and refuses anything that is not sealed on assignment."""

    def __init__(self, field: "SealedField") -> None:
        super().__init__(field)
        self._column = field
        self._name = field.attname

    def __get__(self, instance: Any, cls: type | None = None) -> Any:
        if instance is None:
            return self
        held = instance.__dict__
        name = self._name
        value = held[name] if name in held else super().__get__(instance, cls)
        if value is None or value.scope is not None:
            return value
        column = self._column
        placed = Sealed(value.envelope, value.label, column.scope_of(instance), column, instance.pk)
        held[name] = placed
        return placed

    def __set__(self, instance: Any, value: object) -> None:
        if value is not None and not isinstance(value, Sealed):
            # Transparent fields let a client's text, or ciphertext of another row, slip in as a value.
            message = f"{self._column.model.__name__}.{self._name} takes vault.seal_for(…) or None"
            raise SealRefused(message)
        instance.__dict__[self._name] = value


class _Checked(bytes):
    """An envelope whose label and owner were held against its row; nothing else reaches the database."""

    __slots__ = ()


class SealedField(models.BinaryField):  # type: ignore[type-arg]  # the stubs give BinaryField no parameters here
    """Stores one envelope, bound to a declared label and to the owner named by two attributes of the row.

    The label is a declared constant, never a table or column name, so that renaming a column keeps its data readable.
    `kind` is what the value must be when it is sealed; `pad_to` hides its length up to that many bytes, or up to the
    next of several sizes, given as such or by a name of `governance.crypto.padding.BUCKETS`; `indexes` are the blind
    indexes it can be searched by. Migrations do not repeat the indexes: they change no column.
    """

    descriptor_class = SealedAttribute
    empty_strings_allowed = False  # a new row starts with None: empty bytes are no envelope
    # What says nothing to the database: a change of it must not rebuild a table.
    non_db_attrs = (*models.BinaryField.non_db_attrs, "label", "scope_kind", "scope_field", "kind", "pad_to", "indexes")

    def __init__(
        self,
        *,
        label: str = "",
        scope_kind: str = "subject",
        scope_field: str = "subject_id",
        kind: str = "",
        pad_to: str | int | Sequence[int] | None = None,
        indexes: Sequence[Index] = (),
        **kwargs: Any,
    ) -> None:
        self.label = label
        self.scope_kind = scope_kind
        self.scope_field = scope_field
        self.kind = Kind(kind) if kind else None
        self.indexes = tuple(indexes)
        self.pad_to = None if pad_to is None else buckets(pad_to if isinstance(pad_to, str | int) else tuple(pad_to))
        kwargs["editable"] = False
        super().__init__(**kwargs)

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        """Keep the declaration in migrations; there is no key material in it."""
        name, path, args, kwargs = super().deconstruct()
        kwargs.update(label=self.label, scope_kind=self.scope_kind, scope_field=self.scope_field)
        kwargs.update({} if self.kind is None else {"kind": self.kind.value})
        kwargs.update({} if self.pad_to is None else {"pad_to": self.pad_to})
        kwargs.pop("editable", None)
        return name, path.replace("governance.fields.sealed.", "governance.fields."), args, kwargs

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        """Refuse declarations that ciphertext cannot keep. E020, E021, E022."""
        found: list[CheckMessage] = list(super().check(**kwargs))
        if not self.label:
            found.append(self._error("needs its label", 'Say label="ticket.note".', "governance.E020"))
        if self.unique or self.primary_key or getattr(self, "db_index", False):
            hint = "Equal values differ when sealed. Declare a blind index: indexes=[exact(unique=True)]."
            found.append(self._error("is never unique or indexed itself", hint, "governance.E021"))
        if self.has_default() and self.default is not None:
            hint = "Seal the value for each row: vault.seal_for(row, field, value)."
            found.append(self._error("has no default", hint, "governance.E022"))
        return found

    def require_kind(self, value: object) -> None:
        """Raise BadInput, without repeating the value, when it is not of the declared kind."""
        if self.kind is not None and not fits(self.kind, value):
            complaint = FieldError(f"/{self.name}", f"Give {words(self.kind)}")
            message = f"{self.model.__name__}.{self.name} takes {words(self.kind)}"
            raise BadInput(message, errors=[complaint])

    def scope_of(self, instance: models.Model) -> Scope:
        """Name the owner of this row's value. A row without an owner has no place, so nothing can be sealed for it."""
        controller = getattr(instance, "controller_id", None)
        owner = getattr(instance, self.scope_field, None)
        if controller is None or owner is None:
            message = f"{type(instance).__name__} needs controller and {self.scope_field} before {self.attname}"
            raise SealRefused(message)
        return _scope(controller.hex, self.scope_kind, owner.hex)

    def from_db_value(self, value: object, _expression: object, _connection: object) -> Sealed | None:
        """Wrap what the driver returned; the place is added when the attribute of a row is read."""
        if type(value) is bytes:
            return Sealed(value, self.label)
        if value is None:
            return None
        # SQLite keeps text in any column. It must not look like an error of the reader: it is no envelope.
        data = value.encode() if isinstance(value, str) else bytes(value)  # type: ignore[call-overload]  # driver bytes
        return Sealed(data, self.label)

    def to_python(self, value: object) -> Sealed | None:
        """Refuse text: an envelope that comes from a client is never opened."""
        if value is None or isinstance(value, Sealed):
            return value
        return self._refuse("takes vault.seal_for(…) or None")

    def pre_save(self, instance: models.Model, add: bool) -> _Checked | None:  # noqa: FBT001  # Django's signature
        """Check label and owner at the last moment before the write."""
        value: Sealed | None = super().pre_save(instance, add)
        if value is None:
            return None
        if (value.label, value.scope) != (self.label, self.scope_of(instance)):
            self._refuse("was sealed for another label or owner; seal it for this row")
        return _Checked(value.envelope)

    def get_prep_value(self, value: object) -> Any:
        """Pass on what pre_save checked; update() and filter() come here with anything else, and are refused."""
        if value is None:
            return None
        if not isinstance(value, _Checked):
            self._refuse(
                "cannot be compared in SQL or written by update() and bulk_update(), where nobody holds it against its "
                "row; search with vault.find, or assign vault.seal_for(…) and save each row"
            )
        return super().get_prep_value(bytes(value))

    def get_placeholder(self, value: object, _compiler: object, _connection: object) -> str:
        """Refuse expressions: peers stored the text of an F() expression as the value."""
        if hasattr(value, "resolve_expression"):
            self._refuse(
                "takes no expression, so neither F() nor bulk_update(); assign vault.seal_for(…) and save each row"
            )
        return "%s"

    def get_lookup(self, lookup_name: str) -> Any:
        """Allow `isnull` only: ciphertext never compares."""
        if lookup_name != "isnull":
            self._refuse(f"has no lookup {lookup_name}; search its blind index with vault.find or vault.match")
        return SealedIsNull

    def get_transform(self, lookup_name: str) -> Any:
        """Refuse transforms for the same reason."""
        self._refuse(f"has no transform {lookup_name}; reveal the value, or search its blind index with vault.find")

    @cached_property
    def cached_col(self) -> SealedColumn:
        """Stand in queries as a column that refuses to be computed with."""
        return SealedColumn(self.model._meta.db_table, self)

    def get_col(self, alias: Any, output_field: Any = None) -> SealedColumn:
        """The same under another table alias."""
        if alias == self.model._meta.db_table and output_field in {None, self}:
            return self.cached_col
        return SealedColumn(alias, self, output_field)

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        """Let the column be selected as it is, by a statement of its own."""
        return selected(compiler, self, sql), params

    def value_to_string(self, obj: models.Model) -> str:
        """Give `dumpdata` the envelope in its text form, never plaintext."""
        value = self.value_from_object(obj)
        return "" if value is None else TEXT_FORM + base64.urlsafe_b64encode(value.envelope).decode().rstrip("=")

    def formfield(self, *_args: object, **_kwargs: object) -> None:
        """No form edits a sealed value."""
        return

    def _error(self, why: str, hint: str, code: str) -> CheckMessage:
        return Error(f"A sealed field {why}", hint=hint, obj=self, id=code)

    def _refuse(self, why: str) -> NoReturn:
        message = f"{self.model.__name__}.{self.name} {why}"
        raise SealRefused(message)


def sealed_fields() -> list[SealedField]:
    """Answer every sealed column of every installed model, by label: what walks all ciphertexts walks these."""
    found = [field for model in apps.get_models() for field in model._meta.local_concrete_fields]
    return sorted((field for field in found if isinstance(field, SealedField)), key=lambda field: field.label)
