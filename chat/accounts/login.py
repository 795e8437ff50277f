"""Coming in and going out: which session, which cookie, and where to next."""

from __future__ import annotations

from urllib.parse import unquote, urlencode
from uuid import UUID

from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import get_script_prefix, reverse
from django.utils.http import url_has_allowed_host_and_scheme

from chat.accounts.guests import BACKEND, guest_here, guest_of_cookie, renew_guest
from chat.models import Conversation, User

#: In the session of an account: the guest of its browser, who may be taken along.
GUEST = "guest"


def own_path(raw: str) -> str:
    """``raw`` where it is a path of this site, else the first page."""
    path = raw.partition("?")[0].partition("#")[0]
    is_below = path.startswith(get_script_prefix())
    has_steps_up = ".." in unquote(path).split("/")
    is_safe = url_has_allowed_host_and_scheme(raw, allowed_hosts=None)
    if is_below and is_safe and raw.isprintable() and not has_steps_up:
        return raw
    return reverse("home")


def enter(request: HttpRequest, user: User, then: str) -> HttpResponse:
    """Sign somebody in; asks first where this browser's guest has conversations."""
    guest = guest_here(request)
    login(request, user, backend=getattr(user, "backend", BACKEND))
    if guest is None or guest.pk == user.pk or not count_of(guest.pk):
        return _to(own_path(then))
    request.session[GUEST] = str(guest.pk)
    return _to(f"{reverse('merge')}?{urlencode({'next': own_path(then)})}")


def leave(request: HttpRequest) -> HttpResponse:
    """Sign out. The browser gets another guest, unless somebody else's conversations
    were left in it, which it shows again."""
    is_left = bool(count_of(left_guest(request)))
    logout(request)
    response = _to(reverse("home"))
    if not is_left:
        renew_guest(response)
    return response


def left_guest(request: HttpRequest) -> UUID | None:
    """The guest of this browser beside the account that is signed in."""
    noted = request.session.get(GUEST)
    if noted:
        return UUID(noted)
    guest = guest_of_cookie(request)
    return guest.pk if guest and guest.pk != request.user.pk else None


def count_of(guest: UUID | None) -> int:
    """How many conversations a guest has; an account's are not counted."""
    if guest is None:
        return 0
    there = Conversation.objects.not_deleted().filter(
        owner_id=guest, owner__username=None
    )
    return there.count()


def _to(path: str) -> HttpResponse:
    return HttpResponseRedirect(path, status=303)
