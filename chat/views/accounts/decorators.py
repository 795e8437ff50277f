"""Who may come to an account page, and where others go."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.cache import never_cache

from chat.http.request import visitor
from chat.models import User

View = Callable[..., HttpResponse]


def person(request: HttpRequest) -> User | None:
    """Who is signed in, a guest among them."""
    user = visitor(request)
    return user if isinstance(user, User) else None


def account_of(request: HttpRequest) -> User | None:
    """The account that is signed in; a guest has none."""
    user = person(request)
    return None if user is None or user.is_guest else user


def of_account(view: View) -> View:
    """A page of an account, given as ``user``; others log in first."""

    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        user = account_of(request)
        if user is None:
            return to_log_in(request)
        return view(request, user, *args, **kwargs)

    return guarded


def of_inviter(view: View) -> View:
    """A page that to anybody else is not there. Superusers have every permission."""

    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        user = account_of(request)
        if user is None or not may_invite(user):
            raise Http404
        return view(request, user, *args, **kwargs)

    return guarded


def may_invite(user: User) -> bool:
    return user.is_staff and user.has_perm("chat.add_invitation")


def to_log_in(request: HttpRequest) -> HttpResponse:
    is_page = request.method in ("GET", "HEAD")
    then = request.get_full_path() if is_page else reverse("account")
    address = f"{reverse('log_in')}?{urlencode({'next': then})}"
    return HttpResponseRedirect(address, status=303)


def to(name: str, note: str = "") -> HttpResponse:
    """A page by its name; ``note`` says there what was done."""
    return HttpResponseRedirect(
        reverse(name) + (f"?{note}" if note else ""), status=303
    )
