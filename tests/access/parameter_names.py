"""Which names of a query, a form or a JSON body the views read, found as they do it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from django.http import QueryDict
from ninja.params.models import ParamModel

#: By which methods a view looks something up.
LOOKS = ("get", "getlist", "__getitem__", "__contains__")


@contextmanager
def names_read() -> Iterator[set[str]]:
    """All names that are looked up meanwhile."""
    names: set[str] = set()

    def telling(look: str) -> Any:
        real = getattr(QueryDict, look)

        def tell(query: QueryDict, name: str, *more: Any) -> Any:
            names.add(name)
            return real(query, name, *more)

        return tell

    real_resolve = ParamModel.resolve.__func__

    def resolve(cls: type[ParamModel], *arguments: Any) -> Any:
        names.update(_names_of(cls))
        return real_resolve(cls, *arguments)

    looks = {look: telling(look) for look in LOOKS}
    is_told = patch.object(ParamModel, "resolve", classmethod(resolve))
    with patch.multiple(QueryDict, **looks), is_told:
        yield names


def _names_of(model: type[ParamModel]) -> Iterator[str]:
    """The names that a call of the API takes in its query or in its body."""
    for name, field in model.model_fields.items():
        if model.__ninja_param_source__ == "query":
            yield field.alias or name
        elif model.__ninja_param_source__ == "body":
            yield from field.annotation.model_fields
