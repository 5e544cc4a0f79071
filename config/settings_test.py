"""Settings of the tests: the same code with throw-away secrets and a database of their own; loads nothing from .env."""

import os
import secrets
import tempfile
from hashlib import sha256
from pathlib import Path

_scratch = Path(os.environ.get("GOVERNANCE_TEST_DIR") or tempfile.mkdtemp(prefix="governance-test-"))
os.environ["GOVERNANCE_TEST_DIR"] = str(_scratch)  # for the processes that tests start
_environment = {
    "SECRET_KEY": secrets.token_urlsafe(50),
    "GOVERNANCE_DEMO": "true",
    "GOVERNANCE_READ_ENV_FILE": "false",
    "GOVERNANCE_KEY_FILE": str(_scratch / "keyring"),
    "GOVERNANCE_BROKER_DIR": str(_scratch / "broker"),
    "GOVERNANCE_STATIC_ROOT": str(_scratch / "static"),
    "CELERY_BROKER_URL": "memory://",
    "EMAIL_URL": "memorymail://",
    "CACHE_URL": "locmemcache://",
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    # Nothing writes behind a test's back; the thread has a test of its own, in a process of its own.
    "GOVERNANCE_DECISION_FLUSH_SECONDS": "0",
    "GOVERNANCE_PUBLIC_URL": "http://testserver",
    "GOVERNANCE_LOG_LEVEL": "WARNING",
}
os.environ.update(_environment)
os.environ.setdefault("DATABASE_URL", f"sqlite:///{_scratch / 'governance.sqlite3'}")
# Processes that tests start share this folder and have databases of their own: a file for each.
_database = sha256(os.environ["DATABASE_URL"].encode()).hexdigest()[:16]
os.environ["GOVERNANCE_ERASURE_LEDGER"] = str(_scratch / f"erasures-{_database}")

(_scratch / "static").mkdir(parents=True, exist_ok=True)
if not (_scratch / "keyring").exists():
    from governance.crypto import keyring

    keyring.generate(_scratch / "keyring")

from config.settings import *  # noqa: E402, F403  # the environment must be set before the settings are read

#: A cheap hasher keeps the suite fast; the real one is checked by its own test.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
#: Otherwise every new client of a test reads all static files there are before its first answer.
WHITENOISE_AUTOREFRESH = True
DATABASES["default"]["CONN_MAX_AGE"] = 0  # noqa: F405
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # A file, as in an installation: a database in memory locks its tables between threads.
    DATABASES["default"]["TEST"] = {"NAME": str(_scratch / "test.sqlite3")}  # noqa: F405
INSTALLED_APPS = [*INSTALLED_APPS, "tests.shelf.apps.ShelfConfig"]  # noqa: F405
