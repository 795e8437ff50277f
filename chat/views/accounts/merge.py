"""Whether what a guest wrote in this browser comes along into the account."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from chat.accounts.guest_merge import take_along
from chat.accounts.guests import renew_guest
from chat.accounts.login import GUEST, count_of, left_guest, own_path
from chat.models import User
from chat.views.accounts.decorators import of_account


@require_http_methods(["GET", "HEAD", "POST"])
@of_account
def merge(request: HttpRequest, user: User) -> HttpResponse:
    """Harmless to repeat; what is left stays in this browser."""
    guest = left_guest(request)
    count = count_of(guest)
    then = own_path(request.POST.get("next") or request.GET.get("next", ""))
    if count and request.method != "POST":
        context = {"count": count, "next": then, "account": user}
        return render(request, "accounts/merge.html", context)
    response = HttpResponseRedirect(then, status=303)
    if guest is not None and request.POST.get("choice") == "take":
        take_along(guest, user)
        request.session.pop(GUEST, None)
        renew_guest(response)
    return response
