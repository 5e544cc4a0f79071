"""Works on one column of text, plain, sealed and by other packages, and prints seconds; bench_fields starts it."""

import gc
import hmac
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ROWS, PEOPLE, PAGE, PAGE_ROUNDS = 10_000, 1_000, 50, 100
FLOOR = "bytes_floor"
PEERS = ("django-fernet-encrypted-fields", "django-encrypted-model-fields", "django-cryptography-5")


def main(rounds: int, lookup_rows: int) -> None:
    """Measure every model in turn, round by round, so that a busy moment falls on all of them."""
    import django  # noqa: PLC0415  # in this process only

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415  # after setup

    call_command("migrate", verbosity=0, interactive=False)
    work = _Work()
    # A full collection walks all that start-up left in memory, and falls on one column or the other by chance. Frozen,
    # it costs what the rows weigh; the collector itself stays on, for what a column allocates is part of its price.
    gc.collect()
    gc.freeze()
    result: dict[str, Any] = _columns(work, rounds)
    result |= work.page(PAGE_ROUNDS)
    if lookup_rows:
        result |= work.look_up(lookup_rows, 300)
    print(json.dumps(result))


def _columns(work: "_Work", rounds: int) -> dict[str, float]:
    """Answer the multiples of the plain column: the median of the ratios of each round."""
    found: dict[str, list[float]] = {}
    for _round in range(rounds):
        taken = {name: work.columns(name) for name in work.models if "indexed" not in name}
        for name, times in taken.items():
            for what, seconds in times.items():
                found.setdefault(f"{name}.{what}", []).append(seconds / taken["plain"][what])
    return {key: statistics.median(ratios) for key, ratios in found.items()}


def timed(work: Callable[[], object]) -> float:
    """Seconds on the clock: where a server works too, waiting for it is part of the price."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def processed(work: Callable[[], object]) -> float:
    """Seconds of this thread's processor time, system calls included: SQLite works in this thread, others do not."""
    gc.collect()
    began = time.thread_time()
    work()
    return time.thread_time() - began


class _Work:
    """The tables, made for the moment, and the people in them."""

    def __init__(self) -> None:
        from django.db import connection, transaction  # noqa: PLC0415  # after setup

        from governance.fields import Scope  # noqa: PLC0415  # after setup
        from governance.keys import data_keys  # noqa: PLC0415  # after setup
        from governance.models import Controller, DataSubject  # noqa: PLC0415  # after setup

        self.connection, self.data_keys = connection, data_keys
        self.controller = Controller.objects.create(slug="bench", name="Benchmark", is_default=True)
        self.people = [DataSubject(controller=self.controller) for _ in range(PEOPLE)]
        with transaction.atomic():
            DataSubject.objects.recorded().bulk_create(self.people)
            self.scopes = [Scope(self.controller.pk.hex, "subject", each.pk.hex) for each in self.people]
            data_keys.sealers(self.scopes)
        self.models = _models()
        with connection.schema_editor() as editor:
            for model in self.models.values():
                editor.create_model(model)
        self.values = [uuid4().hex[:30] for _ in range(ROWS)]

    def columns(self, name: str) -> dict[str, float]:
        """Write 10,000 rows, read them untouched, read and use them; leave nothing."""
        model = self.models[name]
        self.data_keys.forget()
        taken = {"write": processed(lambda: self._write(name))}
        self.data_keys.forget()
        taken["untouched"] = processed(lambda: list(model.objects.all()))
        taken["used"] = processed(lambda: self._use(name, model.objects.all()))
        model.objects.all().delete()
        return taken

    def _write(self, name: str) -> None:
        from governance import vault  # noqa: PLC0415  # after setup

        model, controller = self.models[name], self.controller.pk
        owners = [self.people[number % PEOPLE].pk for number in range(ROWS)]
        rows = [model(controller_id=controller, subject_id=owner) for owner in owners]
        if name == "sealed":
            places = [(value, "bench.note", self.scopes[number % PEOPLE]) for number, value in enumerate(self.values)]
            for row, value in zip(rows, vault.seal_many(places), strict=True):
                row.note = value
        else:
            values: list[Any] = self.values if name != FLOOR else [value.encode() + bytes(40) for value in self.values]
            for row, value in zip(rows, values, strict=True):
                row.note = value
        model.objects.bulk_create(rows, batch_size=1000)

    def _use(self, name: str, rows: Any) -> int:
        from governance.fields.codec import decode  # noqa: PLC0415  # after setup

        if name != "sealed":
            return sum(len(row.note) for row in rows)
        # Keys are fetched once for all rows, as reveal_many does; its audit rows are not part of the column.
        sealed = [row.note for row in rows]
        keys = self.data_keys.opener({each.scope for each in sealed})
        return sum(len(decode(keys[each.scope].at(each.scope).decrypt(each.envelope, each.label))) for each in sealed)

    def page(self, rounds: int) -> dict[str, Any]:
        """A page of fifty people's rows with cold keys, its floor, and the queries of one of 10 and one of 50 rows."""
        from django.test.utils import CaptureQueriesContext  # noqa: PLC0415  # after setup

        for name in ("plain", "sealed", FLOOR):
            self._write(name)
        ways: dict[str, Callable[[], object]] = {
            name: lambda name=name: self._use(name, self._ordered(name)[:PAGE])  # type: ignore[misc]  # bound now
            for name in ("plain", "sealed")
        }
        ways["floor"] = self._floor()
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for _round in range(rounds):
            for name, times in taken.items():
                self.data_keys.forget()
                self._use("sealed", self._ordered("sealed")[:1])  # the connection and the parent key
                self._cool()
                times.append(timed(ways[name]))
        queries = []
        for size in (10, PAGE):
            with CaptureQueriesContext(self.connection) as captured:
                self._use("sealed", self._ordered("sealed")[:size])
            queries.append(len(captured))
        against = {
            name: statistics.median(own / plain for own, plain in zip(times, taken["plain"], strict=True))
            for name, times in taken.items()
        }
        return {"page.ratio": against["sealed"], "page.floor": against["floor"], "page.queries": queries}

    def _ordered(self, name: str) -> Any:
        return self.models[name].objects.order_by("id")

    def _floor(self) -> Callable[[], object]:
        """The same bytes, one statement for fifty keys, and what the ciphers cost: no other code of ours takes part."""
        owners = list({row.subject_id.hex for row in self._ordered("sealed")[:PAGE]})
        statement = "SELECT key_id, wrapped, commitment, state FROM governance_datakey WHERE scope_id = ANY(%s::uuid[])"
        key, nonce, bound = os.urandom(32), os.urandom(12), bytes(120)
        parent = AESGCM(key)
        wrapped, sealed = parent.encrypt(nonce, key + key, bound), parent.encrypt(nonce, bytes(30), bound)

        def work() -> None:
            self._use(FLOOR, self._ordered(FLOOR)[:PAGE])
            with self.connection.cursor() as cursor:
                cursor.execute(statement, [owners])
                assert len(cursor.fetchall()) == len(owners)
            for _each in range(PAGE):
                opened = parent.decrypt(nonce, wrapped, bound)[:32]
                hmac.digest(hmac.digest(opened, bound, "sha256"), nonce, "sha256")  # the commitment
                AESGCM(opened).decrypt(nonce, sealed, bound)

        return work

    def _cool(self) -> None:
        """Forget the people's keys and keep the controller's, which a process opens once."""
        from governance.keys import data_key_rows  # noqa: PLC0415  # after setup

        data_key_rows.forget()

    def look_up(self, rows: int, times: int) -> dict[str, float]:
        """Find one among very many rows: by a plain index, by the blind index alone, and by vault.find."""
        from governance import vault  # noqa: PLC0415  # after setup
        from governance.keys import index_keys  # noqa: PLC0415  # after setup

        self._fill(rows)
        person, controller = self.people[0], self.controller.pk
        model, plain = self.models["indexed"], self.models["plain_indexed"]
        wanted = [f"known{number}@example.org" for number in range(times)]
        for address in wanted:
            vault.write(model(controller_id=controller, subject_id=person.pk), note=address)
            plain.objects.create(controller_id=controller, subject_id=person.pk, note=address)
        with self.connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        index, (version,) = model._meta.get_field("note").indexes[0], index_keys.reload(controller).of("bench.address")

        def statement(address: str) -> None:
            digest = index_keys.digest_of(controller, "bench.address", index, address, version)
            row = model.objects.raw(
                "SELECT r.* FROM governance_blindindex i JOIN shelf_indexed r ON r.id = i.row::uuid "
                "WHERE i.controller_id = %s AND i.label = %s AND i.value = %s",
                [controller, "bench.address", digest],
            )[0]
            assert row.note is not None

        ways: dict[str, Callable[[str], object]] = {
            "plain": lambda address: plain.objects.get(note=address),
            "statement": statement,
            "find": lambda address: vault.find(controller, model.objects.all(), note=address).get(),
        }
        taken = {name: [timed(lambda a=address, w=way: w(a)) for address in wanted] for name, way in ways.items()}
        return {f"look_up.{name}": statistics.median(seconds) for name, seconds in taken.items()}

    def _fill(self, rows: int) -> None:
        person, controller = self.people[0].pk, self.controller.pk
        with self.connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO shelf_plain_indexed (id, controller_id, subject_id, note) "
                "SELECT gen_random_uuid(), %s, %s, 'p' || i || '@example.org' FROM generate_series(1, %s) i",
                [controller, person, rows],
            )
            cursor.execute(
                "INSERT INTO governance_blindindex (controller_id, subject_id, label, value, version, row, slot) "
                "SELECT %s, %s, 'bench.address', decode('01' || md5(i::text), 'hex'), 1, md5('r' || i), md5('r' || i) "
                "FROM generate_series(1, %s) i",
                [controller, person, rows],
            )


def _models() -> dict[str, Any]:
    """One model a way; all have the same other columns. What is not installed is left out."""
    from django.conf import settings  # noqa: PLC0415  # after setup
    from django.db import models  # noqa: PLC0415  # after setup

    from governance.fields import SealedField, exact  # noqa: PLC0415  # after setup

    settings.SALT_KEY = "benchmark"
    settings.FIELD_ENCRYPTION_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

    def made(name: str, note: Any) -> Any:
        members = {
            "__module__": __name__,
            "Meta": type("Meta", (), {"app_label": "shelf", "db_table": f"shelf_{name}"}),
            "id": models.UUIDField(primary_key=True, default=uuid4),
            "controller_id": models.UUIDField(),
            "subject_id": models.UUIDField(),
            "note": note,
        }
        return type(name.title().replace("_", ""), (models.Model,), members)

    found = {"plain": made("plain", models.CharField(max_length=200))}
    found["sealed"] = made("sealed", SealedField(label="bench.note", kind="text", null=True))
    found[FLOOR] = made(FLOOR, models.BinaryField(null=True))
    for name, make in _peers().items():
        found[name] = made(name.replace("-", "_"), make())
    found["plain_indexed"] = made("plain_indexed", models.CharField(max_length=200, unique=True))
    indexes = [exact("opaque", cardinality=10**9)]
    found["indexed"] = made("indexed", SealedField(label="bench.address", kind="text", null=True, indexes=indexes))
    return found


def _peers() -> dict[str, Callable[[], Any]]:
    from django.db import models  # noqa: PLC0415  # after setup

    found: dict[str, Callable[[], Any]] = {}
    try:
        from encrypted_fields.fields import EncryptedCharField as FernetField  # noqa: PLC0415  # compared with

        found[PEERS[0]] = lambda: FernetField(max_length=200)
    except ImportError:
        pass
    try:
        from encrypted_model_fields.fields import EncryptedCharField as ModelField  # noqa: PLC0415  # compared with

        found[PEERS[1]] = lambda: ModelField(max_length=200)
    except ImportError:
        pass
    try:
        from django_cryptography.fields import encrypt  # noqa: PLC0415  # compared with

        found[PEERS[2]] = lambda: encrypt(models.CharField(max_length=200))
    except ImportError:
        pass
    return found


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
