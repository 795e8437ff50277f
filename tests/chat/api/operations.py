"""All calls of the API, as django-ninja knows them."""

from __future__ import annotations

from typing import NamedTuple

from chat.api.native import api


class Call(NamedTuple):
    name: str
    method: str
    #: As in a URL configuration, below ``/api/v1/``.
    path: str


CALLS = [
    Call(
        one.view_func.__name__,
        method,
        path.strip("/").replace("{uuidstr:pk}", "<uuid:pk>"),
    )
    for router in api._get_bound_routers()
    for path, view in router.path_operations.items()
    for one in view.operations
    for method in one.methods
]
