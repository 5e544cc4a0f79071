"""The tick: calls every piece of due work; it takes no arguments, keeps no state and may be lost or repeated."""

import structlog
from celery import shared_task
from django.db import close_old_connections

from governance.audit import sequencer
from governance.registry import sockets

logger = structlog.get_logger(__name__)


@shared_task(name="governance.tick", ignore_result=True)
def tick() -> None:
    """Do what is due. One failing piece of work never stops the others; its row says what went wrong."""
    close_old_connections()
    work_once()
    close_old_connections()


def work_once() -> int:
    """Run every registered piece of work once, then give positions to what it wrote; answers how much was done."""
    done = 0
    for name, run in sorted(sockets.work.items()):
        try:
            done += run()
        except Exception as error:  # the clock goes on; the error class is logged, the row keeps the rest
            logger.exception("work.failed", work=name, error=type(error).__name__)
    return done + sequencer.sequence()
