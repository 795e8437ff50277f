"""Which names of a query, a form or a JSON body the views read, found as they do it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, ClassVar
from unittest.mock import patch

from django.http import QueryDict

from chat.api import decorators

#: By which methods a view looks something up.
LOOKS = ("get", "getlist", "__getitem__", "__contains__")


class _Body(dict[str, Any]):
    """A JSON object that tells what is asked of it."""

    names: ClassVar[set[str]] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> Any:
        self.names.add(name)
        return super().__getitem__(name)


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

    class Body(_Body):
        pass

    Body.names = names
    decoder = json.JSONDecoder(object_hook=Body)
    module = SimpleNamespace(loads=lambda raw: decoder.decode(raw.decode()))
    looks = {look: telling(look) for look in LOOKS}
    with patch.multiple(QueryDict, **looks), patch.object(decorators, "json", module):
        yield names
