"""Mail that a reply is ready: asked for by an account, stopped by a link as well."""

from __future__ import annotations

from typing import TypedDict

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from chat.models import User
from chat.services.notifications.mail_choice import (
    missing_for_mail,
    read_stop_token,
    set_ready_mail,
)
from chat.views.accounts.decorators import account_required, redirect_to


class StopContext(TypedDict):
    """For ``accounts/stop_ready_mail.html``; without an account the link is invalid."""

    account: User | None
    is_done: bool


@require_POST
@account_required
def ready_mail(request: HttpRequest, user: User) -> HttpResponse:
    """Ask for such mail in the language of the page, or for none."""
    is_wanted = "ready_mail" in request.POST and not missing_for_mail(user)
    set_ready_mail(user, is_wanted=is_wanted)
    return redirect_to("email", "saved")


# A mail program that stops it by itself (RFC 8058) has neither cookie nor page. The
# token names the account, and can do nothing else.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def stop_ready_mail(request: HttpRequest, token: str) -> HttpResponse:
    """Stop such mail without a log-in, after a button: programs follow links, too."""
    user = read_stop_token(token)
    if user is not None and request.method == "POST":
        set_ready_mail(user, is_wanted=False)
    is_done = user is not None and not user.ready_mail_language
    context: StopContext = {"account": user, "is_done": is_done}
    status = 404 if user is None else 200
    return render(request, "accounts/stop_ready_mail.html", context, status=status)
