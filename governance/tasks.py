"""The tick: calls every piece of due work; it takes no arguments, keeps no state and may be lost or repeated."""

import structlog
from celery import shared_task
from django.db import close_old_connections

from governance import correlation
from governance.audit import sequencer
from governance.errors import GovernanceError
from governance.registry import sockets
from governance.subjects import outside

logger = structlog.get_logger(__name__)


@shared_task(name="governance.tick", ignore_result=True)
def tick() -> None:
    """Do what is due. One failing piece of work never stops the others; its row says what went wrong."""
    close_old_connections()
    with correlation.begin(correlation.TASK):
        work_once()
    close_old_connections()


def work_once() -> int:
    """Run every registered piece of work once, then give positions to what it wrote; answers how much was done.

    Nothing is done on a database that was restored from before erasures that are not carried out again yet.
    """
    try:
        outside.require_current()
    except GovernanceError as refused:
        logger.warning("work.refused", error=refused.code, remedy=refused.detail)
        return 0
    done = 0
    for name, run in sorted(sockets.work.items()):
        try:
            done += run()
        except Exception as error:  # the clock goes on; the error class is logged, the row keeps the rest
            logger.exception("work.failed", work=name, error=type(error).__name__)
    return done + sequencer.sequence()
