"""Celery as the clock: one tick that looks for due rows; messages carry no arguments and no state."""

import os
from pathlib import Path

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.conf import settings  # needs the variable above

from config import broker

app = Celery("governance")
app.conf.update(
    broker_url=settings.CELERY_BROKER_URL,
    broker_connection_retry_on_startup=True,
    task_ignore_result=True,
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    timezone="UTC",
    beat_schedule={
        "tick": {
            "task": "governance.tick",
            "schedule": settings.CELERY_TICK_SECONDS,
            # A tick that waited longer than the next one is worthless.
            "options": {"expires": max(10.0, 5 * settings.CELERY_TICK_SECONDS)},
        }
    },
)
if settings.CELERY_BROKER_URL.startswith("filesystem"):
    folder = Path(settings.BROKER_DIR)
    # Not `broker_url`: Celery would take the environment's CELERY_BROKER_URL for it, and the library's own channel.
    app.conf.broker_read_url = app.conf.broker_write_url = broker.URL
    for name in ("messages", "control"):
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    app.conf.broker_transport_options = {
        "data_folder_in": str(folder / "messages"),
        "data_folder_out": str(folder / "messages"),
        "control_folder": str(folder / "control"),
    }
app.autodiscover_tasks(["governance"])
