"""Errors of the API in one shape: a code for programs, a sentence for people.

Source: RFC 9457, whose member ``type`` is left out, as it says no more than the status.
"""

from __future__ import annotations

from http import HTTPStatus

from django.http import JsonResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from chat.services.errors import MessageRefused

#: The media type of every error (RFC 9457, 3).
PROBLEM_TYPE = "application/problem+json"
#: Statuses that Python does not know by their names of today (RFC 9110).
TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}


class ApiError(Exception):
    """An error answer: HTTP status, error code, and a message that says what to do."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str | Promise,
        headers: dict[str, str] | None = None,
        *,
        parameter: str | None = None,
    ) -> None:
        super().__init__(message)
        self.headers = headers or {}
        #: The name of the member or parameter that is wrong.
        self.parameter = parameter
        self.status = status
        self.code = code
        self.message = message

    def response(self) -> JsonResponse:
        """The answer: ``{"title": …, "status": …, "code": …, "detail": …}``."""
        title = TITLES.get(self.status) or HTTPStatus(self.status).phrase
        problem = {
            "title": title,
            "status": self.status,
            "code": self.code,
            "detail": str(self.message),
        }
        if self.parameter is not None:
            problem["parameter"] = self.parameter
        return JsonResponse(
            problem,
            status=self.status,
            headers=self.headers,
            content_type=PROBLEM_TYPE,
        )


def refusal(refused: MessageRefused) -> ApiError:
    """The error for a refused message: 429 where a retry helps, 422 otherwise."""
    if refused.retry_seconds is None:
        return ApiError(422, refused.code, refused.bare_message)
    headers = {"Retry-After": str(refused.retry_seconds)}
    return ApiError(429, refused.code, refused.bare_message, headers)


BUSY = ApiError(
    503,
    "busy",
    _(
        "The database is busy. Try again in a few seconds; with the same key that is"
        " safe."
    ),
    {"Retry-After": "5"},
)
FULL = ApiError(
    507, "disk_full", _("The server’s disk is full, so nothing new can be saved.")
)
BROKEN = ApiError(
    500,
    "server_error",
    _("Something went wrong on the server. Nothing saved is lost; try again."),
)
NOT_HELD = ApiError(
    409,
    "not_held",
    _("This message is not held, or needs no decision. Check its state."),
)
NOT_FOUND = ApiError(404, "not_found", _("Not found, or not yours. Check the id."))
LOG_IN_FIRST = ApiError(
    401,
    "log_in_first",
    _("This site has no guests. Log in on its page and send the cookies you get."),
)
