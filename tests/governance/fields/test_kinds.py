"""Sealed columns of every kind: what goes in comes back with type and value, and nothing else goes in."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance import vault
from governance.errors import BadInput, SealRefused
from governance.fields import SealedField
from governance.fields.codec import decode, encode
from governance.policy.principal import Principal
from tests.shelf.models import Ticket

PURPOSE = "subject_request"
NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001  # what must be refused
TOKYO = timezone(timedelta(hours=9))

GOOD = [
    *[("note", text) for text in ("", "x", "\x00", "😀 שלום", "e\u0301", "\u00e9", "cxp1.AAAA", "x" * 1_000_000)],
    *[("active", False), ("active", True), ("balance", Decimal(0)), ("balance", Decimal("-0.00"))],
    *[("balance", Decimal("1.50")), ("balance", Decimal("1E+400")), ("born", date(1, 1, 1)), ("born", date.max)],
    *[("facts", {}), ("facts", []), ("facts", {"b": [1, None, {"a": 0.5}], "a": "\x00"})],
    *[("scan", b""), ("scan", b"\xfe\x01\x01\x02"), ("score", 0.0), ("score", -0.0), ("score", 0.1 + 0.2)],
    *[("seen", datetime(2026, 3, 29, 2, 30, tzinfo=TOKYO)), ("seen", datetime(1, 1, 1, tzinfo=UTC))],
    *[
        ("visits", 0),
        ("visits", -1),
        ("visits", 2**70),
        ("country", ""),
        ("country", "DE"),
        ("loose", 0),
        ("loose", ""),
    ],
]


@pytest.mark.parametrize(("name", "value"), GOOD, ids=lambda each: repr(each)[:30])
def test_type_and_value_come_back_from_the_database(
    ticket: Ticket, principal: Principal, name: str, value: Any
) -> None:
    setattr(ticket, name, vault.seal_for(ticket, name, value))
    ticket.save()
    opened = vault.reveal(getattr(Ticket.objects.get(), name), principal=principal, purpose=PURPOSE)
    assert (type(opened), opened, repr(opened)) == (type(value), value, repr(value))


def test_none_stays_null_and_is_not_sealed(ticket: Ticket) -> None:
    names = [field.name for field in Ticket._meta.concrete_fields if isinstance(field, SealedField)]
    for name in names:
        setattr(ticket, name, vault.seal_for(ticket, name, None))
    ticket.save()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(names)} FROM shelf_ticket")
        assert set(cursor.fetchone()) == {None}
    assert Ticket.objects.filter(note__isnull=True, born__isnull=True).count() == 1


@pytest.mark.parametrize("buffer", [bytearray(b"\xfe\x00"), memoryview(b"\xfe\x00")])
def test_what_drivers_hand_over_is_taken_as_bytes(ticket: Ticket, principal: Principal, buffer: object) -> None:
    sealed = vault.seal_for(ticket, "scan", buffer)
    assert vault.reveal(sealed, principal=principal, purpose=PURPOSE) == b"\xfe\x00"


def _deep() -> list[Any]:
    value: list[Any] = []
    for _level in range(100_000):
        value = [value]
    return value


BAD: list[tuple[str, Callable[[], object]]] = [
    *[("note", lambda: 7), ("note", lambda: b"x"), ("note", lambda: "\ud800")],
    *[("active", lambda: 0), ("active", lambda: "yes"), ("visits", lambda: True), ("visits", lambda: 1.0)],
    *[("visits", lambda: 10**5000), ("balance", lambda: 1), ("balance", lambda: 1.5), ("balance", lambda: "1.50")],
    *[("balance", lambda: Decimal("NaN")), ("balance", lambda: Decimal("-Infinity"))],
    *[("score", lambda: float("nan")), ("score", lambda: float("inf")), ("score", lambda: 1)],
    *[("born", lambda: datetime(2026, 1, 1, tzinfo=UTC)), ("born", lambda: "2026-01-01")],
    *[("seen", lambda: NAIVE), ("seen", lambda: date(2026, 1, 1))],
    *[("facts", lambda: "{}"), ("facts", lambda: {1: 2}), ("facts", lambda: {"a": float("nan")}), ("facts", _deep)],
    *[("facts", lambda: {"a": (1,)}), ("facts", lambda: {"a": "\ud800"}), ("facts", lambda: [10**5000])],
    *[("loose", object), ("loose", lambda: {1}), ("scan", lambda: "text")],
]


@pytest.mark.parametrize(("name", "make"), BAD)
def test_another_kind_is_refused_before_sealing_and_not_repeated(
    ticket: Ticket, name: str, make: Callable[[], object]
) -> None:
    value = make()
    with pytest.raises(BadInput) as refused:
        vault.seal_for(ticket, name, value)
    told = json.dumps([refused.value.detail, *[error.detail for error in refused.value.errors]])
    if isinstance(value, str) and value.isascii():
        assert value not in told


def test_the_kind_holds_wherever_the_label_is_sealed(ticket: Ticket) -> None:
    scope = Ticket._meta.get_field("born").scope_of(ticket)
    with pytest.raises(BadInput, match=r"Ticket\.born takes a date"):
        vault.seal("2026-01-01", label="shelf.born", scope=scope)


def test_other_columns_are_not_sealed(ticket: Ticket) -> None:
    with pytest.raises(SealRefused, match="no sealed field"):
        vault.seal_for(ticket, "state", "open")


def test_declared_padding_hides_the_length(ticket: Ticket, principal: Principal) -> None:
    sealed = [vault.seal_for(ticket, "country", value) for value in ("", "DE", "GB-ENG")]
    open_lengths = [vault.seal_for(ticket, "note", value) for value in ("", "DE", "GB-ENG")]
    assert len({len(each.envelope) for each in sealed}) == 1
    assert len({len(each.envelope) for each in open_lengths}) == 3
    assert vault.reveal_many(sealed, principal=principal, purpose=PURPOSE) == ["", "DE", "GB-ENG"]


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
anything = (
    st.text()
    | st.binary()
    | st.integers()
    | st.booleans()
    | st.dates()
    | st.datetimes(timezones=st.timezones())
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.dictionaries(st.text(), plain)
    | st.lists(plain)
)


@given(anything)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_every_value_comes_back_or_is_refused(value: Any) -> None:
    try:
        data = encode(value)
    except BadInput:
        assert "\\ud" in ascii(value)  # the one reason left: a lone surrogate
        return
    opened = decode(data)
    assert type(opened) is type(value)
    if isinstance(value, datetime):
        # A named zone comes back as its offset. Python calls an instant that a clock change repeats or leaves out
        # unequal to every other, so what is written is compared.
        assert opened.isoformat() == value.isoformat()
    else:
        assert opened == value
        assert repr(opened) == repr(value)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"label": ""}, "E020"),
        ({"label": "a", "unique": True}, "E021"),
        ({"label": "a", "db_index": True}, "E021"),
        ({"label": "a", "default": b"x"}, "E022"),
    ],
)
def test_declarations_that_ciphertext_cannot_keep_fail_the_check(options: dict[str, Any], code: str) -> None:
    field = SealedField(**options)
    field.set_attributes_from_name("a")
    field.model = Ticket
    assert f"governance.{code}" in {message.id for message in field.check()}
    assert Ticket.check() == []


@pytest.mark.django_db
def test_a_migration_keeps_the_declaration_and_no_rebuild_follows_from_it() -> None:
    field = Ticket._meta.get_field("country")
    _name, path, _args, kwargs = field.deconstruct()
    again = SealedField(**kwargs)
    assert path == "governance.fields.SealedField"
    assert (again.label, again.kind, again.pad_to) == (field.label, field.kind, field.pad_to)
    changed = SealedField(label="shelf.note", kind="bytes", pad_to=64, null=True)
    changed.set_attributes_from_name("note")
    changed.model = Ticket
    editor = connection.SchemaEditorClass(connection, collect_sql=True)
    assert not editor._field_should_be_altered(Ticket._meta.get_field("note"), changed)  # noqa: SLF001


def test_a_label_sealed_as_the_wrong_kind_is_refused_in_bulk_too(ticket: Ticket) -> None:
    scope = Ticket._meta.get_field("born").scope_of(ticket)
    with pytest.raises(BadInput):
        vault.seal_many([("x", "shelf.note", scope), ("x", "shelf.born", scope)])


def test_a_length_may_be_hidden_by_the_name_of_its_buckets() -> None:
    assert SealedField(label="shelf.code", pad_to="name").pad_to == (32, 64, 128)
    with pytest.raises(ValueError, match="address, code, name, text"):
        SealedField(label="shelf.code", pad_to="nmae")
