"""Decorators of account pages: who may see a page, and where other visitors go."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.cache import never_cache

from chat.http.request import visitor
from chat.models import User

View = Callable[..., HttpResponse]


def current_user(request: HttpRequest) -> User | None:
    """Return the user of the request, who may be a guest."""
    user = visitor(request)
    return user if isinstance(user, User) else None


def current_account(request: HttpRequest) -> User | None:
    """Return the account that is logged in; None for a guest."""
    user = current_user(request)
    return None if user is None or user.is_guest else user


def account_required(view: View) -> View:
    """Decorator: passes the account as ``user``; other visitors go to the log-in."""

    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        user = current_account(request)
        if user is None:
            return redirect_to_log_in(request)
        return view(request, user, *args, **kwargs)

    return guarded


def inviter_required(view: View) -> View:
    """Decorator: passes the account as ``user``; 404 for users who may not invite."""

    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        user = current_account(request)
        if user is None or not can_invite(user):
            raise Http404
        return view(request, user, *args, **kwargs)

    return guarded


def can_invite(user: User) -> bool:
    """Whether the user may invite; superusers have every permission."""
    return user.is_staff and user.has_perm("chat.add_invitation")


def can_operate(user: User) -> bool:
    """Whether the user may operate the site; superusers have every permission."""
    return user.is_staff and user.has_perm("chat.operate_site")


def answer_to_guest(request: HttpRequest, page: View) -> HttpResponse:
    """Tell a guest on a page of accounts what it is for, or ask to log in.

    ``page`` renders the page for a guest. A guest who sends its form, and every visitor
    where ``GUESTS`` is off, is redirected to the log-in page.
    """
    is_told = settings.GUESTS and request.method != "POST"
    return page(request) if is_told else redirect_to_log_in(request)


def redirect_to_log_in(request: HttpRequest) -> HttpResponse:
    """Redirect to the log-in page, and from there back to this page."""
    is_page = request.method in ("GET", "HEAD")
    then = request.get_full_path() if is_page else reverse("account")
    address = f"{reverse('log_in')}?{urlencode({'next': then})}"
    return HttpResponseRedirect(address, status=303)


def redirect_to(name: str, note: str = "") -> HttpResponse:
    """Redirect to the page with this URL name; ``note`` says what was done."""
    return HttpResponseRedirect(
        reverse(name) + (f"?{note}" if note else ""), status=303
    )
