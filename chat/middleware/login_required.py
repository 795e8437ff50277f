"""Requires a log-in for every page while ``GUESTS`` is off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from chat.accounts.login import safe_path
from chat.forms.accounts import LogInForm
from chat.http.api_errors import LOG_IN_FIRST
from chat.http.bearer import bearer_secret
from chat.http.request import Request, visitor
from chat.models import User

#: Paths and views that check the user themselves: the account pages, the admin, the
#: health checks, calls with an API key, and polls, which ask the mailbox so that a poll
#: costs no query. The description of the API tells nothing of a
#: user, nor do the service worker and the manifest.
OPEN_PATHS = (
    "/account/",
    "/admin/",
    "/healthz",
    "/livez",
    "/metrics",
    "/readyz",
    "/v1/",
)
OPEN_NAMES = (
    *("poll", "api:reply", "api:openapi", "api:docs"),
    *("service_worker", "manifest"),
)


class LoginRequiredMiddleware:
    """Middleware; it does nothing while ``GUESTS`` is on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request; ``process_view`` does the check."""
        return self._get_response(request)

    def process_view(
        self, request: Request, _view: Any, _args: Any, _kwargs: Any
    ) -> HttpResponse | None:
        """Return None for a user with an account, else a way to the log-in page."""
        if settings.GUESTS or request.path_info.startswith(OPEN_PATHS):
            return None
        if request.path_info.startswith("/api/") and bearer_secret(request) is not None:
            return None  # the view checks the key
        match = request.resolver_match
        if match is not None and match.view_name in _open_names():
            return None
        user = visitor(request)
        if isinstance(user, User) and not user.is_guest:
            return None
        return _require_log_in(request)


def _open_names() -> tuple[str, ...]:
    """Names of views that a visitor may see without a log-in."""
    return (*OPEN_NAMES, "shared") if settings.SHARING == "everyone" else OPEN_NAMES


def _require_log_in(request: Request) -> HttpResponse:
    if request.path_info.startswith("/api/"):
        return LOG_IN_FIRST.response()
    if request.htmx:
        # The request came from within a page, and that page keeps what was typed.
        page = safe_path(request.htmx.current_url_abs_path or "")
        return HttpResponseClientRedirect(_log_in_url(page))
    is_page = request.method in ("GET", "HEAD")
    then = request.get_full_path() if is_page else reverse("home")
    # Returns the typed text, which the user sends after the log-in.
    if text := request.POST.get("text", ""):
        context = {"form": LogInForm(), "next": then, "text": text}
        return render(request, "accounts/log_in.html", context, status=401)
    return HttpResponseRedirect(_log_in_url(then), status=303)


def _log_in_url(then: str) -> str:
    return f"{reverse('log_in')}?{urlencode({'next': then})}"
