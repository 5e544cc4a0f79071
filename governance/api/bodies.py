"""Bodies whose length the caller did not state: read here, so that none is taken for an empty one; it judges none."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from django.http import HttpRequest

    Application = Callable[[dict[str, Any], Any], Iterable[bytes]]

_UNSTATED: Final = "governance.length_unstated"


def measured(application: Application) -> Application:
    """Wrap a WSGI application that, as Django does, reads no further than the stated length.

    A length is optional: some HTTP libraries send all JSON chunked (RFC 9112 §7.1), and HTTP/2 asks for none
    (RFC 9113 §8.1.1). At most one byte more than any door reads is taken in; that byte gets the caller a 413.
    """

    def call(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        # Only a server that ends the stream with the body may be read from without a length.
        if not environ.get("CONTENT_LENGTH") and environ.get("wsgi.input_terminated") and _may_have_body(environ):
            data = environ["wsgi.input"].read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
            environ |= {"wsgi.input": BytesIO(data), "CONTENT_LENGTH": str(len(data)), _UNSTATED: True}
        return application(environ, start_response)

    return call


def is_whole(request: HttpRequest, data: bytes) -> bool:
    """Whether this surely is the body to its end: a server may hand on a lost connection as the end of the stream."""
    return _UNSTATED not in request.META and len(data) >= int(request.META.get("CONTENT_LENGTH") or 0)


def _may_have_body(environ: dict[str, Any]) -> bool:
    return environ["REQUEST_METHOD"] not in {"GET", "HEAD"}
