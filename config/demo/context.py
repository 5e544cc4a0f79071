"""Tells templates whether this is a demonstration, so that every page is watermarked; nothing else."""

from django.conf import settings
from django.http import HttpRequest


def demonstration(_request: HttpRequest) -> dict[str, bool]:
    """Give templates `demo`."""
    return {"demo": settings.GOVERNANCE_DEMO}
