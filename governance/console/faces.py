"""In whose name and colour the pages for customers are shown: controller and brand by host, path or session."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from django.db.models import Q
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from governance.access import colours
from governance.models import Brand, Controller

if TYPE_CHECKING:
    from django.http import HttpRequest

_BRAND: Final = "portal_brand"
_SLUG: Final = re.compile(r"[A-Za-z0-9_-]{1,50}", re.ASCII)
#: Printed pages stay black on white.
_SHEET: Final = """\
@media screen {{ :root {{ --accent: {light}; --accent-strong: {strong}; }} }}
@media screen and (prefers-color-scheme: dark) {{ :root {{ --accent: {dark}; --accent-strong: {bright}; }} }}
"""


def controller_for(host: str) -> Controller | None:
    """Answer the controller behind a host name of its own or of one of its brands, or the default one."""
    name = _name(host)
    by_host = Q(host=name) | Q(brands__host=name)
    return Controller.objects.filter(by_host | Q(is_default=True)).order_by("is_default").first()


def note_brand(request: HttpRequest, named: str) -> None:
    """Keep the brand whose address the visitor came by, for the pages that follow."""
    # Only what can be a name is kept and asked for: a database may choke on the rest.
    request.session[_BRAND] = named if _SLUG.fullmatch(named) else ""


def brand_of(request: HttpRequest, controller: Controller) -> Brand | None:
    """Answer the brand whose site sent the visitor here, by path or with `?brand=`, or else the one of this host."""
    if "brand" in request.GET:
        note_brand(request, request.GET["brand"])
    slug = request.session.get(_BRAND)
    wanted = Q(host=_name(request.get_host())) | Q(slug=slug or "")
    found = list(Brand.objects.filter(wanted, controller=controller))
    return next((brand for brand in found if brand.slug == slug), found[0] if found else None)


def face(controller: Controller | None, brand: Brand | None) -> dict[str, object]:
    """Answer what every template of the portal asks for: whose page it is, and the colour as its sheet is named."""
    colour = brand.accent.removeprefix("#") if brand and colours.is_readable(brand.accent) else ""
    return {"controller": controller, "brand": brand, "colour": colour}


def face_of(request: HttpRequest) -> dict[str, object]:
    """Answer in whose name a page is shown to a visitor who has proven nothing yet."""
    controller = controller_for(request.get_host())
    return face(controller, brand_of(request, controller) if controller else None)


@require_safe
def sheet(_request: HttpRequest, colour: str) -> HttpResponse:
    """Answer the stylesheet of a colour. It names no brand, and is the same for everybody and for ever."""
    accent = f"#{colour}"
    if not colours.is_readable(accent):
        raise Http404
    dark = colours.for_the_dark(accent)
    text = _SHEET.format(light=accent, strong=colours.darker(accent), dark=dark, bright=colours.lighter(dark))
    response = HttpResponse(text, content_type="text/css")
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def _name(host: str) -> str:
    return host.rsplit(":", 1)[0].lower()
