"""Erases an account or a guest with all that the user wrote."""

from __future__ import annotations

from typing import TypedDict

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from chat.accounts import account_deletion
from chat.accounts.guests import current_guest, replace_guest_cookie
from chat.forms.accounts import EraseForm
from chat.models import Conversation, User
from chat.views.accounts.decorators import current_account, redirect_to


class EraseContext(TypedDict):
    """For ``accounts/erase.html``."""

    #: None for a guest, who has no password to confirm.
    form: EraseForm | None
    account: User | None
    #: The account or the guest; None if there is nothing to erase.
    user_to_erase: User | None
    #: Conversations of that user.
    count: int
    is_done: bool


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: HttpRequest) -> HttpResponse:
    """Ask, for accounts also for the password, then erase and log out."""
    account = current_account(request)
    user = account or current_guest(request)
    form = EraseForm(request, account) if account else None
    if user is not None and request.method == "POST" and (not form or form.is_valid()):
        return _erase_and_log_out(request, user)
    context: EraseContext = {
        "form": form,
        "account": account,
        "user_to_erase": user,
        "count": Conversation.objects.listed().filter(owner=user).count()
        if user
        else 0,
        "is_done": "done" in request.GET,
    }
    status = 422 if form and form.errors else 200
    return render(request, "accounts/erase.html", context, status=status)


def _erase_and_log_out(request: HttpRequest, user: User) -> HttpResponse:
    account_deletion.erase_account(user)
    logout(request)
    response = redirect_to("erase", "done")
    replace_guest_cookie(response)
    return response
