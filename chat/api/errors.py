"""Answers whatever a call raises as a problem (RFC 9457)."""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.parser import Parser

from chat.http.api_errors import NOT_FOUND, ApiError
from chat.http.known_errors import known_error
from chat.services.errors import MessageRefused
from chat.services.held_messages import NotHeld
from chat.services.jobs.status import NotOwner

BAD_JSON = ApiError(400, "bad_json", gettext_lazy("The body must be a JSON object."))
NOT_JSON = ApiError(
    415,
    "not_json",
    gettext_lazy("Send the header Content-Type: application/json."),
)
BAD_CURSOR = ApiError(
    422,
    "bad_cursor",
    gettext_lazy('Follow the address in "next" unchanged.'),
    parameter="cursor",
)
#: Errors of members and parameters that have a sentence of their own.
BAD_VALUES = {
    "text": ApiError(
        400,
        "bad_text",
        gettext_lazy('The body needs a string "text".'),
        parameter="text",
    ),
    "title": ApiError(
        400,
        "bad_title",
        gettext_lazy('The body needs a string "title".'),
        parameter="title",
    ),
    "wait": ApiError(
        400,
        "bad_wait",
        gettext_lazy("Give wait as a number of seconds, such as 20."),
        parameter="wait",
    ),
    "conversation": NOT_FOUND,
}
#: What calls raise; django-ninja looks for the class of an exception and its bases.
RAISED = (
    *(ApiError, MessageRefused, Http404, NotHeld, NotOwner, RequestDataTooBig),
    *(OperationalError, InterfaceError, Exception),
)


class JsonParser(Parser):
    """Reads bodies that say that they are JSON."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        """Return the JSON value of the request. Raises ``ApiError``."""
        if request.content_type != "application/json":
            raise NOT_JSON
        body: dict[str, Any] = json.loads(request.body)
        return body


def handle_errors(api: NinjaAPI) -> None:
    """Have an API answer all errors as problems."""
    api.add_exception_handler(HttpError, _unreadable)
    api.add_exception_handler(ValidationError, _invalid)
    for kind in RAISED:
        api.add_exception_handler(kind, _answer)


def _answer(_request: HttpRequest, raised: Any) -> HttpResponse:
    return known_error(raised).response()


def _unreadable(_request: HttpRequest, error: Any) -> HttpResponse:
    """Answer what the parser raised, which django-ninja hides behind its own error."""
    cause = error.__cause__
    return (cause if isinstance(cause, ApiError) else BAD_JSON).response()


def _invalid(_request: HttpRequest, error: Any) -> HttpResponse:
    first = error.errors[0]
    where, *names = first["loc"]
    if where == "body":
        del names[:1]  # the argument of the view
    if not names:
        return BAD_JSON.response()
    name = ".".join(map(str, names))
    if first["type"] == "extra_forbidden":
        said = _("%(name)s is not known here. Leave it out.")
        return _bad_value(name, said).response()
    said = _("%(name)s is missing or has a value that it can’t have.")
    return BAD_VALUES.get(str(names[0]), _bad_value(name, said)).response()


def _bad_value(name: str, said: str) -> ApiError:
    return ApiError(400, "bad_value", said % {"name": name}, parameter=name)
