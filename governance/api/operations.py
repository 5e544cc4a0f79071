"""/healthz and /readyz: whether the process lives, and whether it may serve; details only in the logs."""

from collections.abc import Callable
from contextlib import suppress

import structlog
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from governance.audit import watching
from governance.errors import GovernanceError, KeyUnavailable
from governance.keys import health, signing
from governance.models import append_only
from governance.subjects import outside

logger = structlog.get_logger(__name__)


def healthz(_request: HttpRequest) -> HttpResponse:
    """The process answers. Touches nothing else."""
    return JsonResponse({"status": "ok"})


def readyz(_request: HttpRequest) -> HttpResponse:
    """The database answers and is migrated, append-only triggers stand, keys open, no erasure is missing."""
    failed = [name for name, check in _CHECKS.items() if not _passes(name, check)]
    said = {"status": "not ready" if failed else "ready", "failed": failed, "alarms": _alarms()}
    return JsonResponse(said, status=503 if failed else 200)


def require_startable() -> None:
    """Raise ErasuresMissing on a database that was restored from before erasures: the server must not even start.

    A database that does not answer, or has no tables yet, is for /readyz to tell; so is a key store that is away, as
    long as the database knows what the file says.
    """
    with suppress(DatabaseError, KeyUnavailable):
        outside.require_current()
    connection.close()  # servers fork: no child may inherit it


def _alarms() -> list[str]:
    """Codes of what somebody should look at. No reason to serve nobody: a stopped sequencer only delays proofs."""
    with suppress(DatabaseError):
        return sorted({alarm.code for alarm in watching.alarms()})
    return []


def _passes(name: str, check: Callable[[], bool]) -> bool:
    try:
        return check()
    except (DatabaseError, GovernanceError) as error:
        remedy = error.detail if isinstance(error, GovernanceError) else ""
        logger.warning("readyz.failed", check=name, error=type(error).__name__, remedy=remedy)
        return False


def _migrated() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _erasures() -> bool:
    outside.require_current()
    return True


_CHECKS: dict[str, Callable[[], bool]] = {
    "database": _migrated,
    "append_only": lambda: not append_only.missing(connection),
    "keys": lambda: health.works() and bool(signing.verifier_key()),
    "erasures": _erasures,
}
