"""Every path of the site, read from the URLconf, so that tests cannot miss a new one."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

#: By the name of the converter's class; nothing is behind any of them.
ARGUMENTS = {
    "UUIDConverter": str(UUID(int=7)),
    "IntConverter": "7",
    "StringConverter": "nothing",
    "SlugConverter": "nothing",
    "PathConverter": "nothing/at/all",
}


def every_path() -> list[str]:
    return sorted(set(_paths("/", get_resolver().url_patterns)))


def _paths(beginning: str, patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
    for pattern in patterns:
        path = beginning + _spelled(pattern)
        if isinstance(pattern, URLResolver):
            yield from _paths(path, pattern.url_patterns)
        else:
            yield path


def _spelled(pattern: URLPattern | URLResolver) -> str:
    route = pattern.pattern
    if not isinstance(route, RoutePattern):
        return "nothing"  # a regular expression: the admin's last resort
    spelled = str(route)
    for name, converter in route.converters.items():
        value = ARGUMENTS[type(converter).__name__]
        for word in (f"<{name}>", *(f"<{kind}:{name}>" for kind in KINDS)):
            spelled = spelled.replace(word, value)
    return spelled


KINDS = ("uuid", "int", "str", "slug", "path")
