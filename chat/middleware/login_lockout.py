"""The page that tells of a lock, whatever page asked for the password."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers

from chat.accounts.login_throttle import Lock
from chat.wording.replies import duration


class Locked:
    """Middleware: where an attempt was refused by a lock, that is the answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        lock = getattr(request, "login_lock", None)
        return response if lock is None else told(request, lock)


def told(request: HttpRequest, lock: Lock) -> HttpResponse:
    """Says when it ends; the same for names that exist and for those that do not."""
    text = request.POST.get("text", "")
    context = {"duration": duration(lock.seconds), "lock": lock, "text": text}
    response = render(request, "accounts/locked.html", context, status=429)
    response.headers["Retry-After"] = str(lock.seconds)
    add_never_cache_headers(response)
    return response
