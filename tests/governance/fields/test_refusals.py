"""SQL over a sealed column, tried on the real database: refused with the right call named, or harmless."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.db.models import Case, Count, Exists, F, IntegerField, Max, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.expressions import Expression, RawSQL, Window
from django.db.models.functions import Coalesce, Concat, Length, Lower, RowNumber, Upper

from governance import vault
from governance.errors import SealRefused
from governance.fields import Sealed
from governance.policy.principal import Principal
from tests.shelf.models import Comment, Ticket

Rows = Any


@pytest.fixture
def saved(ticket: Ticket) -> Ticket:
    ticket.note = vault.seal_for(ticket, "note", "call me at noon")
    ticket.loose = vault.seal_for(ticket, "loose", "other")
    ticket.save()
    Comment.objects.bulk_create([Comment(ticket=ticket), Comment(ticket=ticket)])
    return ticket


REFUSED: dict[str, Callable[[Rows], object]] = {
    "filter": lambda rows: rows.filter(note="call me at noon"),
    "exclude": lambda rows: rows.exclude(note="call me at noon"),
    "get": lambda rows: rows.get(note="call me at noon"),
    "get_or_create": lambda rows: rows.get_or_create(note="call me at noon"),
    "update_or_create": lambda rows: rows.update_or_create(note="x", defaults={"state": "x"}),
    **{
        lookup: lambda rows, lookup=lookup: rows.filter(**{f"note__{lookup}": "a"})
        for lookup in ("exact", "iexact", "contains", "icontains", "in", "gt", "gte", "lt", "lte", "startswith",
                       "istartswith", "endswith", "iendswith", "range", "regex", "iregex", "length", "year", "key")
    },
    "filter through a join": lambda rows: Comment.objects.filter(ticket__note__icontains="noon"),
    "filter by another column": lambda rows: rows.filter(state=F("note")),
    "exclude by another column": lambda rows: rows.exclude(state=F("loose")),
    "update text": lambda rows: rows.update(note="open text"),
    "update bytes": lambda rows: rows.update(note=b"\xfe\x01"),
    "update sealed": lambda rows: rows.update(note=rows.first().loose),
    "update F": lambda rows: rows.update(note=F("loose")),
    "update from a plain column": lambda rows: rows.update(note=F("state")),
    "update a plain column": lambda rows: rows.update(state=F("note")),
    "update by a case": lambda rows: rows.update(note=Case(When(pk=None, then=F("loose")), default=F("note"))),
    "update by a value": lambda rows: rows.update(note=Value("x")),
    "update by a subquery": lambda rows: rows.update(note=Subquery(Ticket.objects.values("loose")[:1])),
    "update a plain column by a subquery": lambda rows: rows.update(state=Subquery(Ticket.objects.values("note")[:1])),
    "order_by a subquery": lambda rows: rows.order_by(Subquery(Ticket.objects.values("note")[:1])),
    "annotate a subquery": lambda rows: rows.annotate(n=Subquery(Ticket.objects.values("note")[:1])),
    "filter by a subquery": lambda rows: rows.filter(state__in=Ticket.objects.values("note")),
    "filter by a union": lambda rows: rows.filter(
        state__in=Ticket.objects.values("note").union(Ticket.objects.values("loose"), all=True)
    ),
    "filter by an annotation in a subquery": lambda rows: rows.filter(
        state__in=Ticket.objects.annotate(n=F("note")).values("n")
    ),
    "bulk_update": lambda rows: rows.bulk_update(list(rows), ["note"]),
    "length": lambda rows: rows.annotate(n=Length("note")),
    "upper": lambda rows: rows.annotate(n=Upper("note")),
    "concat": lambda rows: rows.annotate(n=Concat("note", Value("x"))),
    "coalesce": lambda rows: rows.annotate(n=Coalesce("note", "loose")),
    "arithmetic": lambda rows: rows.annotate(n=F("note") + 1),
    "alias": lambda rows: rows.alias(n=Length("note")).filter(n__gt=1),
    "transform in values": lambda rows: rows.values("note__length"),
    "max": lambda rows: rows.aggregate(Max("note")),
    "count distinct": lambda rows: rows.aggregate(n=Count("note", distinct=True)),
    "window": lambda rows: rows.annotate(n=Window(RowNumber(), order_by="note")),
    "outer reference": lambda rows: rows.filter(Exists(Ticket.objects.filter(state=OuterRef("note")))),
    "order_by": lambda rows: rows.order_by("note"),
    "order_by descending": lambda rows: rows.order_by("-note"),
    "order_by a function": lambda rows: rows.order_by(Lower("note")),
    "order_by F": lambda rows: rows.order_by(F("note").desc(nulls_last=True)),
    "order_by an annotation": lambda rows: rows.annotate(n=F("note")).order_by("n"),
    "order_by through a join": lambda rows: Comment.objects.select_related("ticket").order_by("ticket__note"),
    "order_by without selecting": lambda rows: rows.order_by("note").values("pk"),
    "latest": lambda rows: rows.latest("note"),
    "distinct values": lambda rows: rows.values("note").distinct(),
    "distinct list": lambda rows: rows.values_list("note", flat=True).distinct(),
    "distinct on": lambda rows: rows.distinct("note"),
    "group by": lambda rows: rows.values("note").annotate(n=Count("pk")),
    "group by two": lambda rows: rows.values("state", "note").annotate(n=Count("pk")),
}  # fmt: skip


def carry_out(use: Callable[[Rows], Any]) -> None:
    found = use(Ticket.objects.all())
    if isinstance(found, QuerySet):
        list(found)


@pytest.mark.parametrize("use", REFUSED.values(), ids=REFUSED.keys())
def test_it_is_refused_and_nothing_is_written(saved: Ticket, use: Callable[[Rows], Any]) -> None:
    before = Ticket.objects.get()
    with pytest.raises(SealRefused) as refused, transaction.atomic():
        carry_out(use)
    assert any(call in refused.value.detail for call in ("vault.", "order by", "distinct by"))
    after = Ticket.objects.get()
    assert (after.state, after.note.envelope, after.loose.envelope) == (
        before.state,
        before.note.envelope,
        before.loose.envelope,
    )


#: What says nothing about a value goes through.
ALLOWED: dict[str, tuple[Callable[[Rows], Any], object]] = {
    "isnull": (lambda rows: rows.filter(note__isnull=False).count(), 1),
    "is not null": (lambda rows: rows.exclude(note__isnull=False).count(), 0),
    "isnull in an annotation": (
        lambda rows: rows.annotate(n=Case(When(note__isnull=False, then=1), default=0)).get().n,
        1,
    ),
    "isnull in a condition": (lambda rows: rows.aggregate(n=Count("pk", filter=Q(note__isnull=False)))["n"], 1),
    "isnull in a subquery": (
        lambda rows: rows.filter(Exists(Ticket.objects.filter(pk=OuterRef("pk"), note__isnull=False))).count(),
        1,
    ),
    "isnull through a join": (lambda rows: Comment.objects.filter(ticket__note__isnull=False).count(), 2),
    "annotated count": (lambda rows: rows.annotate(n=Count("comments")).get().n, 2),
    "annotated count, some values": (
        lambda rows: rows.annotate(n=Count("comments")).values_list("n", "note").get()[0],
        2,
    ),
    "distinct rows over a join": (lambda rows: len(rows.filter(comments__pk__gt=0).distinct()), 1),
    "count of distinct rows": (lambda rows: rows.filter(comments__pk__gt=0).distinct().count(), 1),
    "rows in a subquery": (lambda rows: Comment.objects.filter(ticket__in=rows.only("note")).count(), 2),
    "existence in a subquery": (lambda rows: rows.filter(Exists(Ticket.objects.values("note"))).count(), 1),
    "distinct with the key": (lambda rows: len(rows.values("pk", "note").distinct()), 1),
    "select_related": (lambda rows: type(Comment.objects.select_related("ticket").first().ticket.note), Sealed),
    "values_list": (lambda rows: type(rows.values_list("note", flat=True).get()), Sealed),
    "F as it is": (lambda rows: type(rows.annotate(n=F("note")).get().n), Sealed),
    "defer": (lambda rows: type(rows.defer("note").get().note), Sealed),
    "only": (lambda rows: type(rows.only("note").get().note), Sealed),
    "union": (lambda rows: len(rows.union(rows, all=True)), 2),
    "subquery": (lambda rows: rows.filter(pk__in=rows.filter(note__isnull=False)).count(), 1),
    "iterator": (lambda rows: len(list(rows.iterator())), 1),
    "exists": (lambda rows: rows.exists(), True),
    "update to NULL": (lambda rows: rows.update(note=None), 1),
    "update another column": (lambda rows: rows.update(state="closed"), 1),
    "delete": (lambda rows: Comment.objects.filter(ticket__in=rows.filter(note__isnull=False)).delete()[0], 2),
}


@pytest.mark.parametrize(("use", "answer"), ALLOWED.values(), ids=ALLOWED.keys())
def test_what_tells_nothing_of_the_value_works(saved: Ticket, use: Callable[[Rows], Any], answer: object) -> None:
    assert use(Ticket.objects.all()) == answer


def test_what_no_check_foresees_meets_the_fence(saved: Ticket) -> None:
    """The fence itself: an expression that hides its parts from every check fails in the database, in our words."""

    class Hiding(Expression):
        def as_sql(self, compiler: Any, connection: Any) -> Any:
            sql, parameters = compiler.compile(Ticket._meta.get_field("note").get_col("shelf_ticket"))
            return f"LENGTH({sql})", parameters

    with pytest.raises(DatabaseError), transaction.atomic():
        list(Ticket.objects.annotate(n=Hiding(output_field=IntegerField())))


def test_values_read_by_raw_sql_have_no_place(saved: Ticket, principal: Principal) -> None:
    row = Ticket.objects.annotate(stolen=RawSQL("note", [], output_field=Ticket._meta.get_field("note"))).get()
    with pytest.raises(SealRefused, match="no owner"):
        vault.reveal(row.stolen, principal=principal, purpose="subject_request")
