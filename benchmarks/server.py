"""The service with one more door that does the least a Django view can: one indexed SELECT; for benchmarks only."""

import json
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.core.wsgi import get_wsgi_application  # needs the variable above
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse

application = get_wsgi_application()

from governance.api import lean  # noqa: E402  # apps are ready only now


def bare(request: HttpRequest) -> HttpResponse:
    """Read the body, and one row by an indexed column, and answer it."""
    json.loads(request.body)
    with connection.cursor() as cursor:
        cursor.execute("SELECT slug, ruleset_version FROM governance_controller WHERE slug = %s", ["bench"])
        row = cursor.fetchone()
    return JsonResponse({"slug": row[0], "version": row[1]})


# The same short way past the middleware as the decision doors: what differs is the work itself.
lean.DOORS["/bench/bare"] = bare
