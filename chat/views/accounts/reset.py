"""Resets a forgotten password: asks for a link, and follows it."""

from __future__ import annotations

from typing import TypedDict
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from chat.accounts.client_network import network_digest
from chat.accounts.login import log_in_user
from chat.accounts.login_throttle import clear_failures
from chat.accounts.password_reset import is_valid_token, send_reset_link, set_password
from chat.accounts.site_url import can_mail
from chat.forms.accounts import ForgottenForm, ResetForm
from chat.models import User
from chat.page.action_response import with_refusal_status
from chat.services.errors import MessageRefused
from chat.services.limits.network_rate import admit_mail
from chat.views.accounts.decorators import redirect_to

METHODS = ["GET", "HEAD", "POST"]
#: The token is kept in the session: an address can leak to other sites.
TOKEN_SESSION_KEY = "reset_token"  # noqa: S105 - a name
IN_SESSION = "set"


class ForgottenContext(TypedDict):
    """For ``accounts/forgotten.html``."""

    form: ForgottenForm
    has_mail: bool
    is_sent: bool


class ResetContext(TypedDict):
    """For ``accounts/reset.html``; without a form the link is invalid."""

    form: ResetForm | None
    account: User | None


@never_cache
@require_http_methods(METHODS)
def forgotten(request: HttpRequest) -> HttpResponse:
    """Mail a link; the answer is the same whether the account exists or not."""
    form = ForgottenForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            admit_mail(network_digest(request))
        except MessageRefused as refused:
            form.add_error(None, refused.message)
            return with_refusal_status(
                _forgotten_page(request, form), refused.retry_seconds
            )
        send_reset_link(form.cleaned_data["email"], request)
        return redirect_to("forgotten", "sent")
    return _forgotten_page(request, form)


def _forgotten_page(request: HttpRequest, form: ForgottenForm) -> HttpResponse:
    context: ForgottenContext = {
        "form": form,
        "has_mail": can_mail(),
        "is_sent": "sent" in request.GET,
    }
    status = 422 if form.errors else 200
    return render(request, "accounts/forgotten.html", context, status=status)


@never_cache
@sensitive_post_parameters()
@require_http_methods(METHODS)
def reset(request: HttpRequest, pk: UUID, token: str) -> HttpResponse:
    """Follow a link: move its token to the session, then set a new password."""
    user = User.objects.filter(pk=pk).first()
    if token != IN_SESSION and is_valid_token(user, token):
        request.session[TOKEN_SESSION_KEY] = token
        address = reverse("reset", args=[pk, IN_SESSION])
        return HttpResponseRedirect(address, status=303)
    kept = request.session.get(TOKEN_SESSION_KEY, "") if token == IN_SESSION else ""
    if user is None or not is_valid_token(user, kept):
        invalid = ResetContext(form=None, account=None)
        return render(request, "accounts/reset.html", invalid, status=410)
    form = ResetForm(request.POST if request.method == "POST" else None, user=user)
    if request.method == "POST" and form.is_valid():
        set_password(user, form.cleaned_data["new"])
        clear_failures(request, user)
        request.session.pop(TOKEN_SESSION_KEY, None)
        return log_in_user(request, user, reverse("home"))
    context = ResetContext(form=form, account=user)
    status = 422 if form.errors else 200
    return render(request, "accounts/reset.html", context, status=status)
