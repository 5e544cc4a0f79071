"""The form of answers: each door has one, whatever the Accept header asks for; reading of bodies is left alone."""

from collections.abc import Iterable

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class OneForm(DefaultContentNegotiation):
    """Answers in the door's only form.

    RFC 9110 (12.5.1) allows that, and a caller who accepts the package's zip alone still gets the package.
    """

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Take the first; DRF's other arguments do not matter here."""
        del request, format_suffix
        only = next(iter(renderers))
        return only, str(only.media_type)
