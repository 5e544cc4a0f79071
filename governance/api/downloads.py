"""Files that doors and pages hand out as downloads; nobody on the way keeps a copy. It makes no content."""

from django.http import HttpResponse


def text_file(text: str, name: str) -> HttpResponse:
    """Answer a text as a file with a name of ours."""
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response
