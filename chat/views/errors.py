"""Error pages: the database is unavailable, bad requests, unknown addresses."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import TypedDict

from django.conf import settings
from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.urls import Resolver404, resolve, reverse
from django.utils.formats import number_format
from django.views import defaults

from chat.forms import MessageForm
from chat.http.api_errors import BUSY, FULL
from chat.http.database_errors import is_disk_full
from chatsite.logs import error_type

log = logging.getLogger(__name__)

#: When to retry while the database is locked or unreachable.
RETRY_SECONDS = 5
#: Paths of conversations, replies and messages.
CONVERSATION_PATHS = ("/c/", "/r/", "/m/")

#: Django's errors for a database that is busy, full or unreachable.
UNAVAILABLE = (OperationalError, InterfaceError)


class BusyContext(TypedDict):
    """For ``errors/busy.html``."""

    #: Whether the disk is full; otherwise the database is busy or unreachable.
    is_full: bool
    #: Whether the request was to change something.
    is_sent: bool
    #: The text that was to be sent, if any.
    form: MessageForm | None
    #: URL for the form.
    action: str


class DatabaseErrorMiddleware:
    """Shows a page with the typed text if the database is unavailable."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a request; errors of its view come to ``process_exception``."""
        return self._get_response(request)

    def process_exception(
        self, request: HttpRequest, error: Exception
    ) -> HttpResponse | None:
        """Answer a database error of a view."""
        return _unavailable(request, error) if isinstance(error, UNAVAILABLE) else None


def server_error(request: HttpRequest) -> HttpResponse:
    """Handle errors outside the views, such as a busy database in middleware."""
    error = sys.exception()
    if isinstance(error, UNAVAILABLE):
        return _unavailable(request, error)
    return defaults.server_error(request)


def _unavailable(request: HttpRequest, error: Exception) -> HttpResponse:
    log.error("the database does not answer: %s", error_type(error))
    is_full = is_disk_full(error)
    if request.path_info.startswith("/api/"):
        return (FULL if is_full else BUSY).response()
    form = MessageForm(request.POST) if "text" in request.POST else None
    context: BusyContext = {
        "is_full": is_full,
        "is_sent": request.method == "POST",
        "form": form,
        "action": form_action(request),
    }
    status = 507 if is_full else 503
    response = render(request, "errors/busy.html", context, status=status)
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Handle what Django calls a suspicious operation; 413 for a body too large."""
    if isinstance(exception, RequestDataTooBig):
        limit = number_format(settings.MESSAGE_MAX_CHARACTERS, force_grouping=True)
        return render(request, "413.html", {"limit": limit}, status=413)
    context = {"is_unknown_host": isinstance(exception, DisallowedHost)}
    return render(request, "400.html", context, status=400)


def file_too_large(request: HttpRequest) -> HttpResponse:
    """Say how large a file may be; the server has read none of this one."""
    most = upload_limit(request) or settings.BATCH_FILE_MAX_BYTES
    context = {"file_limit": filesizeformat(most), "back": request.path}
    return render(request, "413.html", context, status=413)


def upload_limit(request: HttpRequest) -> int | None:
    """How large a file may be that is sent to this page; None for another page."""
    limits = {
        reverse("batches"): settings.BATCH_FILE_MAX_BYTES,
        reverse("imports"): settings.IMPORT_FILE_MAX_BYTES,
    }
    return limits.get(request.path)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    """Show the 404 page.

    Django's own view reads the form for a CSRF token, which fails for a broken form.
    """
    is_of_conversation = request.path_info.startswith(CONVERSATION_PATHS)
    context = {"is_of_conversation": is_of_conversation}
    return render(request, "404.html", context, status=404)


def form_action(request: HttpRequest) -> str:
    """URL for a form with the text: where it was sent, if that takes text."""
    try:
        takes_text = resolve(request.path_info).url_name in ("send", "edit")
    except Resolver404:
        takes_text = False
    return request.path if takes_text else reverse("send")
