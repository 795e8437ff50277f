"""Changes the email address, and confirms it by the link that was mailed."""

from __future__ import annotations

from typing import TypedDict

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from chat.accounts import email_change
from chat.accounts.awaited_email import awaited_email, remember_awaited_email
from chat.accounts.client_network import network_digest
from chat.accounts.site_url import can_mail
from chat.forms.accounts import (
    EmailForm,
    address_taken_message,
    mailed_recently_message,
)
from chat.models import User
from chat.page.action_response import with_refusal_status
from chat.services.errors import MessageRefused
from chat.services.limits.network_rate import admit_mail
from chat.services.notifications.mail_choice import Missing, missing_for_mail
from chat.views.accounts.decorators import (
    account_required,
    current_account,
    redirect_to,
)

METHODS = ["GET", "HEAD", "POST"]


class EmailContext(TypedDict):
    """For ``accounts/email.html``."""

    form: EmailForm
    account: User
    has_mail: bool
    #: What is shown of an address that was saved here and is not confirmed yet.
    awaited_email: str
    #: What has to come before mail that a reply is ready, and how long it has to take.
    missing_for_mail: Missing | None
    ready_mail_minutes: int
    is_saved: bool


class ConfirmContext(TypedDict):
    """For ``accounts/confirm.html``; without a change the link is invalid."""

    change: email_change.EmailChange | None
    is_taken: bool
    is_done: bool


@require_http_methods(METHODS)
@account_required
def email(request: HttpRequest, user: User) -> HttpResponse:
    """Show the form, save the address, or mail a link to it."""
    form = EmailForm(request, user, email=user.email)
    if request.method == "POST" and form.is_valid():
        try:
            is_sent = _request_change(request, user, form.cleaned_data["email"])
        except email_change.AddressTaken:
            form.add_error("email", address_taken_message())
        except MessageRefused as refused:
            form.add_error(None, refused.message)
            return with_refusal_status(
                _page(request, user, form), refused.retry_seconds
            )
        except email_change.MailedRecently:
            form.add_error("email", mailed_recently_message())
        else:
            held = "email" if form.cleaned_data["email"] else "no_email"
            return redirect_to("account", "sent" if is_sent else held)
    return _page(request, user, form)


def _request_change(request: HttpRequest, user: User, email: str) -> bool:
    """Return whether a link was mailed. Raises ``AddressTaken``, ``MessageRefused``."""
    if email and can_mail():
        admit_mail(network_digest(request))
    is_sent = email_change.request_email_change(user, email, request)
    if is_sent:
        remember_awaited_email(request, user, email)
    return is_sent


def _page(request: HttpRequest, user: User, form: EmailForm) -> HttpResponse:
    status = 422 if form.errors else 200
    context: EmailContext = {
        "form": form,
        "account": user,
        "has_mail": can_mail(),
        "awaited_email": awaited_email(request, user),
        "missing_for_mail": missing_for_mail(user),
        "ready_mail_minutes": settings.READY_MAIL_MINUTES,
        "is_saved": "saved" in request.GET,
    }
    return render(request, "accounts/email.html", context, status=status)


@never_cache
@require_http_methods(METHODS)
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Save the address of a link, after a button: mail programs follow links, too."""
    change = email_change.read_link_token(token)
    context: ConfirmContext = {"change": change, "is_taken": False, "is_done": False}
    if change is not None and request.method == "POST":
        try:
            email_change.confirm_email_change(change)
        except email_change.AddressTaken:
            context["is_taken"] = True
        else:
            if current_account(request) == change.user:
                return redirect_to("account", "email")
            context["is_done"] = True
    status = 410 if change is None else 409 if context["is_taken"] else 200
    return render(request, "accounts/confirm.html", context, status=status)
