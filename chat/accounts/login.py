"""Logging in and out: the session, the guest cookie, and the page that follows."""

from __future__ import annotations

from urllib.parse import unquote, urlencode
from uuid import UUID

from django.conf import settings
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import get_script_prefix, reverse
from django.utils.http import url_has_allowed_host_and_scheme

from chat.accounts.guests import (
    BACKEND,
    cookie_guest,
    current_guest,
    replace_guest_cookie,
)
from chat.models import Conversation, User

#: In the session of an account: the guest of its browser, who may be merged into it.
GUEST_SESSION_KEY = "guest"
#: The parameter of the page that says that the visitor has logged out.
LEFT = "left"


def safe_path(raw: str) -> str:
    """Return ``raw`` if it is a path of this site, else the path of the first page."""
    path = raw.partition("?")[0].partition("#")[0]
    is_below = path.startswith(get_script_prefix())
    has_steps_up = ".." in unquote(path).split("/")
    is_safe = url_has_allowed_host_and_scheme(raw, allowed_hosts=None)
    if is_below and is_safe and raw.isprintable() and not has_steps_up:
        return raw
    return reverse("home")


def log_in_user(request: HttpRequest, user: User, then: str) -> HttpResponse:
    """Log in; first ask about the conversations of the browser's guest, if any."""
    guest = current_guest(request)
    login(request, user, backend=getattr(user, "backend", BACKEND))
    if guest is None or guest.pk == user.pk or not count_guest_conversations(guest.pk):
        return _redirect(safe_path(then))
    request.session[GUEST_SESSION_KEY] = str(guest.pk)
    return _redirect(f"{reverse('merge')}?{urlencode({'next': safe_path(then)})}")


def log_out_user(request: HttpRequest) -> HttpResponse:
    """Log out, and give the browser another guest.

    If its guest kept conversations that were not merged, the browser keeps that guest
    and shows them again.
    """
    is_left = bool(count_guest_conversations(unmerged_guest_id(request)))
    logout(request)
    page = reverse("home" if settings.GUESTS else "log_in")
    response = _redirect(f"{page}?{LEFT}")
    if not is_left:
        replace_guest_cookie(response)
    return response


def unmerged_guest_id(request: HttpRequest) -> UUID | None:
    """Return the browser's guest beside the account that is logged in, if any."""
    noted = request.session.get(GUEST_SESSION_KEY)
    if noted:
        return UUID(noted)
    guest = cookie_guest(request)
    return guest.pk if guest and guest.pk != request.user.pk else None


def count_guest_conversations(guest: UUID | None) -> int:
    """Count the conversations of a guest; 0 for an account."""
    if guest is None:
        return 0
    conversations = Conversation.objects.listed().filter(
        owner_id=guest, owner__username=None
    )
    return conversations.count()


def _redirect(path: str) -> HttpResponse:
    return HttpResponseRedirect(path, status=303)
