"""Every path of the project, as the URL configuration has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver


@dataclass(frozen=True, slots=True)
class Route:
    """One pattern: how it is written, and how a path of it is made."""

    #: ``c/<uuid:pk>/send/``, with all that stands before it.
    written: str
    #: ``api:reply``; empty where it has no name.
    name: str
    #: Names of what a path of it is filled with.
    parameters: tuple[str, ...]
    #: The same with ``%(pk)s`` in their places.
    _form: str

    @property
    def takes_id(self) -> bool:
        return bool(self.parameters)

    def path(self, **values: Any) -> str:
        filled = {name: values.get(name, values["pk"]) for name in self.parameters}
        return f"/{self._form % filled}" if filled else f"/{self._form}"


def routes() -> list[Route]:
    return list(_walk(get_resolver(), "", "", ""))


def _walk(
    resolver: URLResolver, written: str, form: str, namespace: str
) -> Iterator[Route]:
    for pattern in resolver.url_patterns:
        here = written + str(pattern.pattern)
        (shape, parameters), *_ = _normalized(pattern)
        there = form + shape
        if isinstance(pattern, URLPattern):
            name = f"{namespace}{pattern.name}" if pattern.name else ""
            yield Route(here, name, tuple(parameters), there)
        else:
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else ""
            yield from _walk(pattern, here, there, inner or namespace)


def _normalized(pattern: URLPattern | URLResolver) -> list[tuple[str, list[str]]]:
    from django.utils.regex_helper import normalize

    return normalize(pattern.pattern.regex.pattern)
