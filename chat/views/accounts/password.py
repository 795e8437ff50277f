"""Changes the password, which ends all other sessions."""

from __future__ import annotations

from typing import TypedDict

from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from chat.accounts.password_reset import set_password
from chat.accounts.session_end import note_replaced_session
from chat.forms.accounts import PasswordForm
from chat.models import User
from chat.views.accounts.decorators import account_required, redirect_to


class PasswordContext(TypedDict):
    """For ``accounts/password.html``."""

    form: PasswordForm
    account: User
    #: Whether the account has usable API keys, which keep working.
    has_keys: bool


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@account_required
def password(request: HttpRequest, user: User) -> HttpResponse:
    """Show the form, or save the new password and log out all other browsers."""
    form = PasswordForm(request, user)
    if request.method == "POST" and form.is_valid():
        before = request.session.session_key
        set_password(user, form.cleaned_data["new"], before)
        update_session_auth_hash(request, user)
        note_replaced_session(before, user)
        return redirect_to("account", "password")
    status = 422 if form.errors else 200
    context: PasswordContext = {
        "form": form,
        "account": user,
        "has_keys": user.api_keys.usable(timezone.now()).exists(),
    }
    return render(request, "accounts/password.html", context, status=status)
