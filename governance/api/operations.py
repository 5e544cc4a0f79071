"""/healthz and /readyz: whether the process lives, and whether it may serve; details only in the logs."""

from collections.abc import Callable

import structlog
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from governance.errors import GovernanceError
from governance.keys import signing
from governance.models import append_only

logger = structlog.get_logger(__name__)


def healthz(_request: HttpRequest) -> HttpResponse:
    """The process answers. Touches nothing else."""
    return JsonResponse({"status": "ok"})


def readyz(_request: HttpRequest) -> HttpResponse:
    """The database answers and is migrated, the append-only triggers stand, the key store opens."""
    failed = [name for name, check in _CHECKS.items() if not _passes(name, check)]
    return JsonResponse({"status": "not ready" if failed else "ready", "failed": failed}, status=503 if failed else 200)


def _passes(name: str, check: Callable[[], bool]) -> bool:
    try:
        return check()
    except (DatabaseError, GovernanceError) as error:
        logger.warning("readyz.failed", check=name, error=type(error).__name__)
        return False


def _migrated() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


_CHECKS: dict[str, Callable[[], bool]] = {
    "database": _migrated,
    "append_only": lambda: not append_only.missing(connection),
    "keys": lambda: bool(signing.verifier_key()),
}
