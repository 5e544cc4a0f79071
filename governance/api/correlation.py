"""First middleware: gives each HTTP request an id of our own and takes away what callers sent as one; nothing else."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from governance import correlation

#: What libraries read an id from. django-structlog takes the first one as it comes, and would write it into each log.
_SENT = ("HTTP_X_REQUEST_ID", "HTTP_X_CORRELATION_ID")


class OwnCorrelation:
    """Runs each request under an id made here: in the ledger and in the logs it is the same one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with correlation.begin(correlation.HTTP) as made:
            for name in _SENT:
                request.META.pop(name, None)
            request.META["HTTP_X_REQUEST_ID"] = made
            return self.get_response(request)
