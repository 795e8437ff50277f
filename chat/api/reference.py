"""A page for people that shows the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple, TypedDict

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chat.api.openapi import document

SHOWN = "application/json"


class Field(NamedTuple):
    """A parameter, or a member of a body or of an answer."""

    name: str
    type: str
    description: str
    is_required: bool = False


class Answer(NamedTuple):
    """What a call is answered with."""

    status: str
    description: str
    #: The name of the schema; empty for an answer without content.
    schema: str


class Call(NamedTuple):
    """One call."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: list[Field]
    body: list[Field]
    answers: list[Answer]


class Shape(NamedTuple):
    """An object that calls return."""

    name: str
    description: str
    fields: list[Field]


class ReferenceContext(TypedDict):
    """For ``api/reference.html``."""

    introduction: str
    #: Calls by their subject.
    subjects: dict[str, list[Call]]
    shapes: list[Shape]


@require_safe
@never_cache
def reference(request: HttpRequest) -> HttpResponse:
    """Show all calls and what they return."""
    return render(request, "api/reference.html", dict(_context()))


@cache
def _context() -> ReferenceContext:
    described = document()
    subjects: dict[str, list[Call]] = {}
    for path, methods in described["paths"].items():
        for method, call in methods.items():
            subjects.setdefault(call["tags"][0], []).append(_call(path, method, call))
    return {
        "introduction": described["info"]["description"],
        "subjects": subjects,
        "shapes": list(_shapes(described["components"]["schemas"])),
    }


def _call(path: str, method: str, call: dict[str, Any]) -> Call:
    content = call.get("requestBody", {}).get("content", {})
    body = content.get(SHOWN, {}).get("schema", {})
    return Call(
        call["operationId"],
        method.upper(),
        path,
        call["summary"],
        call["description"],
        [_parameter(one) for one in call["parameters"]],
        _fields(_schema(_name(body))) if body else [],
        [_answer(status, one) for status, one in call["responses"].items()],
    )


def _parameter(one: dict[str, Any]) -> Field:
    place = {"path": "in the path", "query": "in the query", "header": "header"}
    said = ", ".join((_type(one["schema"]), place[one["in"]]))
    return Field(one["name"], said, one.get("description", ""), one["required"])


def _answer(status: str, one: dict[str, Any]) -> Answer:
    content: dict[str, Any] = next(iter(one.get("content", {}).values()), {})
    return Answer(status, one["description"], _name(content.get("schema", {})))


def _shapes(schemas: dict[str, Any]) -> Iterator[Shape]:
    for name, schema in schemas.items():
        if "properties" in schema:
            yield Shape(name, schema.get("description", ""), _fields(schema))


def _fields(schema: dict[str, Any]) -> list[Field]:
    required = schema.get("required", ())
    return [
        Field(name, _type(one), one.get("description", ""), name in required)
        for name, one in schema["properties"].items()
    ]


def _schema(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = document()["components"]["schemas"][name]
    return schema


def _name(schema: dict[str, Any]) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _type(schema: dict[str, Any]) -> str:
    """The type of a value in words, such as ``integer, 1 or more``."""
    if name := _name(schema):
        named = _schema(name)
        return " | ".join(named["enum"]) if "enum" in named else name
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    bounds = (("minimum", "at least"), ("maximum", "at most"))
    said = [f"{words} {schema[key]}" for key, words in bounds if key in schema]
    return ", ".join([schema.get("format") or schema.get("type", "any"), *said])
