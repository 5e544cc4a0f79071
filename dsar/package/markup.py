"""HTML that is escaped because there is no other way to write it; knows no page."""

from __future__ import annotations

from html import escape

_VOID = frozenset({"meta"})


class Html(str):
    """Text that is markup already. Only this module makes it."""

    __slots__ = ()


def tag(name: str, /, *children: str, **attributes: str) -> Html:
    """Return one element. Children that are not Html are escaped, and so is every attribute (`class_` → `class`)."""
    written = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items())
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(children)}</{name}>")


def join(children: tuple[str, ...] | list[Html]) -> Html:
    """Return the children one after the other, escaped where they are not Html."""
    return Html("".join(child if isinstance(child, Html) else escape(child) for child in children))


def document(*children: Html) -> bytes:
    """Return the whole file. What UTF-8 cannot hold (a lone surrogate) is written out as its number."""
    return ("<!doctype html>\n" + join(children)).encode("utf-8", "backslashreplace")


def style(css: str) -> Html:
    """Return a style element of our own stylesheet, unescaped; it must never hold a value."""
    if "</" in css:
        raise ValueError("a stylesheet cannot close its element")
    return Html(f"<style>{css}</style>")
