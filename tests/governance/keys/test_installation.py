"""A whole installation on another key store: it seals, finds, signs and says when its keys are gone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client

from governance import subjects, vault
from governance.audit import sequencer
from governance.audit.verify import verify
from governance.errors import KeyUnavailable
from governance.keys import caching, data_keys, health, index_keys, providers, signing
from governance.keys.providers.local import LocalProvider
from governance.models import Controller, ControllerKey, LedgerEntry, RootSecret
from governance.policy.principal import operator, worker
from tests.governance.keys.providers.conftest import hsm_token, store  # noqa: F401 -- fixtures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django.fixtures import SettingsWrapper

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESS = "ann@example.org"


def forget() -> None:
    providers.start_anew()
    data_keys.forget()
    health.forget()
    index_keys._key.cache_clear()  # noqa: SLF001  # keys of the other provider


@pytest.fixture
def installation(store: Any, settings: SettingsWrapper, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:  # noqa: F811
    """The settings of an installation whose keys are in this store, and in no file."""
    settings.GOVERNANCE_KEY_FILE = ""
    provider = store.provider()
    settings.GOVERNANCE_KEY_PROVIDER = provider.name
    monkeypatch.setattr(type(provider), "from_settings", classmethod(lambda _class: store.provider()))
    forget()
    yield store
    forget()


@pytest.fixture
def acme() -> Controller:
    return Controller.objects.create(slug="acme", name="Acme", is_default=True)


def register(controller: Controller, address: str = ADDRESS) -> Any:
    return subjects.register(controller, [("email", address)], principal=operator(controller.pk.hex))


def read(person: Any) -> object:
    sealed = person.identifiers.get().value
    return vault.reveal(sealed, principal=worker(person.controller_id.hex), purpose="subject_request")


def prepare() -> None:
    providers.prepare()


@pytest.mark.parametrize("store", ["vault", "kms", "pkcs11"], indirect=True)
def test_it_seals_finds_signs_and_proves(installation: Any, acme: Controller) -> None:
    prepare()
    person = register(acme)
    forget()  # as another process
    assert read(person) == ADDRESS
    assert vault.match(acme.pk, "email", ADDRESS) == person
    sequencer.sequence()
    assert verify().is_ok
    assert ControllerKey.objects.get().provider == providers.provider().name
    assert sorted(RootSecret.objects.values_list("purpose", "version")) == [("index", 1), ("sign", 1)]
    created = LedgerEntry.objects.filter(type="key.created", object_ref__startswith="key:root-")
    assert sorted(created.values_list("object_ref", flat=True)) == ["key:root-index-1", "key:root-sign-1"]


@pytest.mark.parametrize("store", ["vault"], indirect=True)
def test_root_secrets_are_made_once_by_many_at_one_moment(installation: Any) -> None:
    barrier = threading.Barrier(5)

    def ask(_number: int) -> bytes:
        own = installation.provider()  # as a process of its own: no cache is shared
        barrier.wait(10)
        try:
            return bytes(own.index_root())
        finally:
            connection.close()

    with ThreadPoolExecutor(5) as pool:
        assert len(set(pool.map(ask, range(5)))) == 1
    assert RootSecret.objects.count() == LedgerEntry.objects.filter(type="key.created").count() == 1


@pytest.mark.parametrize("store", ["vault"], indirect=True)
def test_migrate_makes_them_and_waits_for_a_store_that_is_away(installation: Any) -> None:
    installation.throttle(1000)
    call_command("migrate", verbosity=0)
    assert not RootSecret.objects.exists()
    installation.recover()
    call_command("migrate", verbosity=0)
    assert RootSecret.objects.count() == 2
    call_command("create_controller", "acme", "--name", "Acme", "--default", stdout=StringIO())


@pytest.mark.parametrize("store", ["vault"], indirect=True)
def test_they_are_not_made_inside_a_transaction(installation: Any) -> None:
    with pytest.raises(KeyUnavailable, match="transaction"), transaction.atomic():
        providers.provider().index_root()
    assert not RootSecret.objects.exists()


@pytest.mark.parametrize("store", ["vault"], indirect=True)
def test_a_database_of_another_provider_gets_no_second_index_root(
    installation: Any, settings: SettingsWrapper, tmp_path: Any
) -> None:
    from governance.crypto import keyring

    keyring.generate(tmp_path / "keyring")
    settings.GOVERNANCE_KEY_PROVIDER, settings.GOVERNANCE_KEY_FILE = "local", str(tmp_path / "keyring")
    forget()
    assert isinstance(providers.provider(), LocalProvider)
    person = register(Controller.objects.create(slug="acme", name="Acme", is_default=True))
    settings.GOVERNANCE_KEY_PROVIDER = "vault"
    forget()
    with pytest.raises(KeyUnavailable, match="another key provider"):
        providers.provider().index_root()
    assert read(person) == ADDRESS  # its controller key still names the file, which is still there


@pytest.mark.parametrize("store", ["vault"], indirect=True)
def test_a_swapped_or_altered_root_secret_is_refused(installation: Any) -> None:
    prepare()
    index, sign = RootSecret.objects.get(purpose="index"), RootSecret.objects.get(purpose="sign")
    with transaction.atomic():
        RootSecret.objects.filter(pk=index.pk).recorded().update(wrapped=sign.wrapped)
    forget()
    with pytest.raises(KeyUnavailable):
        providers.provider().index_root()


@pytest.mark.parametrize("store", ["vault"], indirect=True)
def test_opened_keys_outlive_an_outage_by_their_time_and_no_longer(
    installation: Any, acme: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare()
    person = register(acme)
    assert read(person) == ADDRESS
    installation.engine.sealed = True
    assert read(person) == ADDRESS
    elapsed = [0.0]
    before = caching.monotonic
    monkeypatch.setattr(caching, "monotonic", lambda: before() + elapsed[0])
    with time_machine.travel("2001-01-01", tick=True):  # a clock that was set back keeps no key alive
        elapsed[0] = 301.0
        with pytest.raises(KeyUnavailable):
            read(person)
    installation.engine.sealed = False
    assert read(person) == ADDRESS


@pytest.mark.parametrize("store", ["vault", "kms"], indirect=True)
def test_readiness_follows_the_key_store(installation: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare()
    client = Client()
    assert client.get("/readyz").json() == {"status": "ready", "failed": [], "alarms": []}
    installation.throttle(1000)
    assert client.get("/readyz").status_code == 200  # asked a moment ago
    health.forget()
    for _time in range(2):
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()) == (503, {"status": "not ready", "failed": ["keys"], "alarms": []})
    installation.recover()
    before = health.monotonic
    monkeypatch.setattr(health, "monotonic", lambda: before() + 6)
    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("store", ["vault"], indirect=True)
def test_asking_whether_it_is_ready_costs_the_store_little(installation: Any) -> None:
    prepare()
    client = Client()
    assert client.get("/readyz").status_code == 200
    before = len(installation.engine.calls)
    for _time in range(20):
        assert client.get("/readyz").status_code == 200
    assert len(installation.engine.calls) == before


@pytest.mark.parametrize("store", ["vault"], indirect=True)
def test_a_door_that_needs_a_key_answers_503_and_no_more(installation: Any, acme: Controller) -> None:
    prepare()
    installation.throttle(1000)
    with pytest.raises(KeyUnavailable) as refused:
        register(acme)
    assert refused.value.status == 503
    assert installation.engine.url not in str(refused.value)
    assert signing.verifier_key()  # what was opened before still serves
