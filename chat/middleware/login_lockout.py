"""The page that tells a user that log-in is locked, and for how long."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers

from chat.accounts.login_throttle import LoginLock
from chat.wording.replies import duration


class LockoutContext(TypedDict):
    """For ``accounts/locked.html``."""

    #: The time until the lock ends, in words.
    duration: str
    lock: LoginLock
    #: A message that was typed before, which the page keeps.
    text: str


class LoginLockoutMiddleware:
    """Middleware that answers with this page if the request tried a locked log-in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request, or tell of the lock that it met."""
        response = self._get_response(request)
        lock = getattr(request, "login_lock", None)
        return response if lock is None else lockout_page(request, lock)


def lockout_page(request: HttpRequest, lock: LoginLock) -> HttpResponse:
    """Return a page with status 429, the same for known and for unknown user names."""
    text = request.POST.get("text", "")
    context: LockoutContext = {
        "duration": duration(lock.seconds),
        "lock": lock,
        "text": text,
    }
    response = render(request, "accounts/locked.html", context, status=429)
    response.headers["Retry-After"] = str(lock.seconds)
    add_never_cache_headers(response)
    return response
