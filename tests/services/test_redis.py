"""A real Redis as cache and broker: limits count there, nothing personal lies there, and emptying it loses nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django.test import Client, override_settings
from kombu import Connection

from config.celery import app
from governance.models import StaffUser
from tests.services.lending import redis_database

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.service, pytest.mark.django_db]

EMAIL = "officer.canary@staff.example"
PASSWORD = "a long and winding passphrase"


@pytest.fixture
def url(redis_url: str) -> Iterator[str]:
    with redis_database(redis_url) as lent:
        yield lent


@pytest.fixture
def shared_cache(url: str) -> Iterator[redis.Redis]:
    """Have Django keep its cache in Redis, named as in an installation."""
    names = {"KEY_FUNCTION": settings.CACHES["default"]["KEY_FUNCTION"]}
    kept = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": url, **names}
    with override_settings(CACHES={"default": kept}), redis.Redis.from_url(url) as client:
        yield client
        cache.close()


def sign_in(password: str) -> bool:
    client = Client()
    return client.post("/accounts/login/", {"login": EMAIL, "password": password}).status_code == 302


def test_guesses_are_counted_and_name_nobody(shared_cache: redis.Redis) -> None:
    StaffUser.objects.create_user(EMAIL, password=PASSWORD)
    assert sign_in(PASSWORD)
    for _ in range(12):
        assert not sign_in("wrong")
    assert not sign_in(PASSWORD)  # not now
    keys = list(shared_cache.scan_iter())
    assert keys
    kept = b"\n".join([*keys, *(shared_cache.dump(key) or b"" for key in keys)])
    assert not [word for word in (b"canary", b"staff.example", b"127.0.0.1") if word in kept]
    assert all(shared_cache.ttl(key) > 0 for key in keys)  # what is counted is forgotten
    shared_cache.flushdb()
    assert sign_in(PASSWORD)


def waiting(client: redis.Redis) -> list[dict[str, Any]]:
    return [json.loads(message) for message in client.lrange("celery", 0, -1)]


def test_the_clock_ticks_on_after_the_broker_was_emptied(url: str) -> None:
    """With the same connection: nothing that Redis kept is needed to go on."""
    with Connection(url) as connection, redis.Redis.from_url(url) as client:
        app.send_task("governance.tick", connection=connection, expires=10)
        assert len(waiting(client)) == 1
        client.flushdb()
        app.send_task("governance.tick", connection=connection, expires=10)
        [message] = waiting(client)
    assert message["headers"]["task"] == "governance.tick"
    assert message["headers"]["expires"]
    assert (message["headers"]["argsrepr"], message["headers"]["kwargsrepr"]) == ("()", "{}")  # and carries nothing
