"""The gate: where guests are not allowed, whoever is not logged in may do so first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from chat.accounts.login import own_path
from chat.forms.accounts import LogInForm
from chat.http.api_errors import LOG_IN_FIRST
from chat.http.request import Request, visitor
from chat.models import User

#: Look after themselves: the account pages; the admin; whether the site is alive; and
#: what asks the mailbox who it is, lest a poll costs a query.
OPEN_PATHS = ("/account/", "/admin/", "/healthz")
OPEN_NAMES = ("poll", "api:reply")


class Gate:
    """Middleware; does nothing while ``GUESTS`` is on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(
        self, request: Request, _view: Any, _args: Any, _kwargs: Any
    ) -> HttpResponse | None:
        if settings.GUESTS or request.path_info.startswith(OPEN_PATHS):
            return None
        match = request.resolver_match
        if match is not None and match.view_name in OPEN_NAMES:
            return None
        user = visitor(request)
        if isinstance(user, User) and not user.is_guest:
            return None
        return _turned_away(request)


def _turned_away(request: Request) -> HttpResponse:
    if request.path_info.startswith("/api/"):
        return LOG_IN_FIRST.response()
    if request.htmx:
        # It asked for a piece of its page, or keeps what was typed there: back to that.
        page = own_path(request.htmx.current_url_abs_path or "")
        return HttpResponseClientRedirect(_log_in(page))
    is_page = request.method in ("GET", "HEAD")
    then = request.get_full_path() if is_page else reverse("home")
    # What was typed comes back, to be sent once logged in.
    if text := request.POST.get("text", ""):
        context = {"form": LogInForm(), "next": then, "text": text}
        return render(request, "accounts/log_in.html", context, status=401)
    return HttpResponseRedirect(_log_in(then), status=303)


def _log_in(then: str) -> str:
    return f"{reverse('log_in')}?{urlencode({'next': then})}"
