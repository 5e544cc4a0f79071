"""The WSGI entry point; it does not start on a database that holds people who were erased."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

from governance.api import bodies, operations  # noqa: E402  # its models are ready only now

application = bodies.measured(application)
operations.require_startable()
