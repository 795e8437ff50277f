"""Logs in by name or email address."""

from __future__ import annotations

from typing import TypedDict

from django.conf import settings
from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from chat.accounts.login import log_in_user, safe_path
from chat.forms import MessageForm
from chat.forms.accounts import LogInForm
from chat.models import User
from chat.page.logged_out_notice import ENDED, are_drafts_kept, has_left
from chat.views.accounts.decorators import current_account, redirect_to


class LogInContext(TypedDict):
    """For ``accounts/log_in.html``."""

    form: LogInForm
    next: str
    #: A message that was typed before the log-in.
    text: str
    allows_guests: bool
    #: Whether this browser keeps drafts of the account that was logged out.
    are_drafts_kept: bool
    #: Whether the log-in follows the end of a session.
    is_ended: bool
    #: Whether it follows a log-out.
    has_left: bool


class SendNowContext(TypedDict):
    """For ``accounts/send_now.html``, which offers to send what was typed before."""

    form: MessageForm
    then: str


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    """Show the form, or log in; a message typed before comes along."""
    then = request.POST.get("next") or request.GET.get("next", "")
    if current_account(request) is not None:
        return redirect_to("account")
    form = LogInForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        name, password = form.cleaned_data["name"], form.cleaned_data["password"]
        user = authenticate(request, username=name, password=password)
        if isinstance(user, User):
            response = log_in_user(request, user, then)
            if not (text := request.POST.get("text", "").strip()):
                return response
            # The user sends the text that was typed before; logging in does not.
            offer: SendNowContext = {
                "form": MessageForm({"text": text}),
                "then": response["Location"],
            }
            return render(request, "accounts/send_now.html", offer)
        form.add_error(None, _("Wrong name or password."))
    context: LogInContext = {
        "form": form,
        "next": safe_path(then),
        "text": request.POST.get("text", ""),
        "allows_guests": settings.GUESTS,
        "are_drafts_kept": are_drafts_kept(request),
        "is_ended": then.endswith(f"?{ENDED}"),
        "has_left": has_left(request),
    }
    status = 422 if form.errors else 200
    return render(request, "accounts/log_in.html", context, status=status)
