"""The forms of pages, and the names of whatever can be sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from django import forms


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
