"""Every address of the project, found from the URLconf, and the forms of its pages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from django import forms
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern
from django.utils.regex_helper import normalize

_PARAMETER = re.compile(r"<(?:(\w+):)?(\w+)>")


@dataclass(frozen=True, slots=True)
class Route:
    """``pieces`` are texts, between which parameters stand, told by their converter."""

    pieces: tuple[str, ...]
    parameters: tuple[str, ...]

    def path(self, values: Sequence[str]) -> str:
        filled = zip(self.pieces, (*values, ""), strict=True)
        return "/" + "".join(piece + value for piece, value in filled)

    @property
    def shape(self) -> re.Pattern[str]:
        return re.compile("/" + "[^/]+".join(map(re.escape, self.pieces)))


def routes() -> list[Route]:
    """All of them; one that is new is among them by itself."""
    found = _walk(get_resolver().url_patterns, (("",), ()))
    return list(dict.fromkeys(Route(*parts) for parts in found))


Parts = tuple[tuple[str, ...], tuple[str, ...]]


def _walk(patterns: Sequence[Any], before: Parts) -> Iterator[Parts]:
    for pattern in patterns:
        for parts in _parts(pattern.pattern):
            joined = _joined(before, parts)
            if isinstance(pattern, URLResolver):
                yield from _walk(pattern.url_patterns, joined)
            elif isinstance(pattern, URLPattern):
                yield joined


def _joined(before: Parts, after: Parts) -> Parts:
    middle = before[0][-1] + after[0][0]
    return (*before[0][:-1], middle, *after[0][1:]), (*before[1], *after[1])


def _parts(pattern: Any) -> list[Parts]:
    if isinstance(pattern, RoutePattern):
        split = _PARAMETER.split(str(pattern._route))
        return [(tuple(split[::3]), tuple(kind or "str" for kind in split[1::3]))]
    found = normalize(str(pattern._regex)) if hasattr(pattern, "_regex") else []
    return [
        (tuple(re.split(r"%\(\w+\)s", template)), ("str",) * len(names))
        for template, names in found
    ] or [(("",), ())]


@dataclass(slots=True)
class Form:
    """A form of a page as a browser would send it."""

    method: str = "GET"
    action: str = ""
    fields: list[tuple[str, str]] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self, path: str) -> None:
        super().__init__(convert_charrefs=True)
        self.path = path
        self.forms: list[Form] = []
        self.loose: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            method = said.get("method", "get").upper()
            self.forms.append(Form(method, said.get("action") or self.path))
        elif tag in ("input", "textarea", "select", "button") and said.get("name"):
            pair = (said["name"], said.get("value", ""))
            (self.forms[-1].fields if self.forms else self.loose).append(pair)


def forms_of(html: str, path: str) -> list[Form]:
    """With each, what the page's poller carries: htmx sends it along."""
    reader = _Reader(path)
    reader.feed(html)
    last = reader.forms[-1].fields if reader.forms else []
    return [
        Form(found.method, found.action.partition("?")[0], [*found.fields, *last])
        for found in reader.forms
    ]


def field_names() -> list[str]:
    """Of every form class, and what the API and addresses take."""
    names = {"text", "conversation", "title", "q", "before", "at", "edit", "deleted"}
    todo: list[type] = [forms.BaseForm]
    while todo:
        kind = todo.pop()
        todo += kind.__subclasses__()
        names |= set(getattr(kind, "base_fields", {}))
    return sorted(names)
