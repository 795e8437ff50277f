"""Offers to merge the conversations of the browser's guest into the account."""

from __future__ import annotations

from typing import TypedDict

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from chat.accounts.guest_merge import merge_guest
from chat.accounts.guests import replace_guest_cookie
from chat.accounts.login import (
    GUEST_SESSION_KEY,
    count_guest_conversations,
    safe_path,
    unmerged_guest_id,
)
from chat.models import User
from chat.views.accounts.decorators import account_required


class MergeContext(TypedDict):
    """For ``accounts/merge.html``."""

    #: Conversations of the guest.
    count: int
    next: str
    account: User


@require_http_methods(["GET", "HEAD", "POST"])
@account_required
def merge(request: HttpRequest, user: User) -> HttpResponse:
    """Ask, then merge or not; harmless to repeat. The rest stays in this browser."""
    guest = unmerged_guest_id(request)
    count = count_guest_conversations(guest)
    then = safe_path(request.POST.get("next") or request.GET.get("next", ""))
    if count and request.method != "POST":
        context: MergeContext = {"count": count, "next": then, "account": user}
        return render(request, "accounts/merge.html", context)
    response = HttpResponseRedirect(then, status=303)
    if guest is not None and request.POST.get("choice") == "take":
        merge_guest(guest, user)
        request.session.pop(GUEST_SESSION_KEY, None)
        replace_guest_cookie(response)
    return response
