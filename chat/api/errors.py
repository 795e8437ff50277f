"""Answers whatever a call raises as a problem (RFC 9457)."""

from __future__ import annotations

import json
import logging
from functools import partial
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.parser import Parser

from chat.http.api_errors import (
    BROKEN,
    BUSY,
    FULL,
    LOG_IN_FIRST,
    NOT_FOUND,
    NOT_HELD,
    ApiError,
    refusal,
)
from chat.http.database_errors import is_disk_full
from chat.services.errors import MessageRefused
from chat.services.held_messages import NotHeld
from chat.services.jobs.status import NotOwner

log = logging.getLogger(__name__)

BAD_JSON = ApiError(400, "bad_json", gettext_lazy("The body must be a JSON object."))
NOT_JSON = ApiError(
    415,
    "not_json",
    gettext_lazy("Send the header Content-Type: application/json."),
)
TOO_LARGE = ApiError(413, "too_large", gettext_lazy("The request is too large."))
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
#: Exceptions that are always the same error.
FIXED: dict[type[Exception], ApiError] = {
    Http404: NOT_FOUND,
    NotHeld: NOT_HELD,
    RequestDataTooBig: TOO_LARGE,
}


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
    api.add_exception_handler(ApiError, _as_is)
    api.add_exception_handler(HttpError, _unreadable)
    api.add_exception_handler(ValidationError, _invalid)
    api.add_exception_handler(NotOwner, _not_owner)
    api.add_exception_handler(MessageRefused, _refused)
    api.add_exception_handler(OperationalError, _unavailable)
    api.add_exception_handler(InterfaceError, _unavailable)
    api.add_exception_handler(Exception, _broken)
    for kind, of_kind in FIXED.items():
        api.add_exception_handler(kind, partial(_answer, of_kind))


def _as_is(_request: HttpRequest, error: Any) -> HttpResponse:
    return _answer(error)


def _answer(error: ApiError, *_raised: Any) -> HttpResponse:
    return error.response()


def _unreadable(_request: HttpRequest, error: Any) -> HttpResponse:
    """Answer what the parser raised, which django-ninja hides behind its own error."""
    cause = error.__cause__
    return (cause if isinstance(cause, ApiError) else BAD_JSON).response()


def _invalid(_request: HttpRequest, error: Any) -> HttpResponse:
    where, *names = error.errors[0]["loc"]
    if where == "body":
        del names[:1]  # the argument of the view
    if not names:
        return BAD_JSON.response()
    return (BAD_VALUES.get(str(names[0])) or _bad_value(names)).response()


def _bad_value(names: list[Any]) -> ApiError:
    name = ".".join(map(str, names))
    said = _("%(name)s is missing or has a value that it can’t have.")
    return ApiError(400, "bad_value", said % {"name": name}, parameter=name)


def _not_owner(_request: HttpRequest, refused: Any) -> HttpResponse:
    is_closed = refused.is_signed_out and not settings.GUESTS
    return (LOG_IN_FIRST if is_closed else NOT_FOUND).response()


def _refused(_request: HttpRequest, refused: Any) -> HttpResponse:
    return refusal(refused).response()


def _unavailable(_request: HttpRequest, error: Any) -> HttpResponse:
    log.error("the database is busy, full or away", exc_info=error)
    return (FULL if is_disk_full(error) else BUSY).response()


def _broken(_request: HttpRequest, error: Any) -> HttpResponse:
    log.error("a call of the API failed", exc_info=error)
    return BROKEN.response()
