"""URLs of the API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, re_path
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from chat.api.export_schema import export_schema
from chat.api.native import api
from chat.api.openapi import openapi
from chat.api.reference import reference
from chat.http.api_errors import NOT_FOUND, ApiError

View = Callable[..., HttpResponseBase]


def _with_problems(view: View) -> View:
    """A view of django-ninja whose answer to another method is a problem as well."""

    @csrf_exempt
    @never_cache
    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        if response.status_code != 405:
            return response
        allowed = ", ".join(sorted(response.headers["Allow"].split(", ")))
        said = _("Use %(method)s here.") % {"method": allowed}
        return ApiError(405, "method_not_allowed", said, {"Allow": allowed}).response()

    return answered


def _patterns() -> Iterator[URLPattern]:
    """One pattern for each path, whose view takes all methods."""
    found: dict[str, URLPattern] = {}
    for pattern in api.urls[0]:
        if isinstance(pattern, URLPattern) and str(pattern.pattern):
            found.setdefault(str(pattern.pattern), pattern)
    for route, pattern in found.items():
        # django-ninja leaves ids as they are written, by a converter of its own.
        written = route.replace("<uuidstr:", "<uuid:")
        yield path(written, _with_problems(pattern.callback), name=pattern.name)


@csrf_exempt
def not_found(_request: HttpRequest) -> JsonResponse:
    """Answer every other path with status 404 as JSON."""
    return NOT_FOUND.response()


app_name = "api"
urlpatterns = [
    *_patterns(),
    path("openapi.json", openapi, name="openapi"),
    path("export.schema.json", export_schema, name="export_schema"),
    path("docs", reference, name="docs"),
    re_path("", not_found),
]
