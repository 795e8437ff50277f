"""Logs out, in this browser or in others."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from chat.accounts import session_end
from chat.accounts.login import log_out_user
from chat.models import User
from chat.views.accounts.decorators import (
    account_required,
    current_account,
    redirect_to,
)


@require_POST
@never_cache
def log_out(request: HttpRequest) -> HttpResponse:
    """Log out an account; a guest stays, since no log-in would open it again."""
    if current_account(request) is None:
        return redirect_to("home")
    return log_out_user(request)


@require_POST
@account_required
def end_session(request: HttpRequest, user: User, name: str) -> HttpResponse:
    """End one of the account's sessions by its digest; this one as ``log_out`` does."""
    session = session_end.find_session(user, name)
    if session is None:
        raise Http404
    if session.pk == request.session.session_key:
        return log_out_user(request)
    session_end.end_sessions([session])
    return redirect_to("account", "ended")


@require_POST
@account_required
def elsewhere(request: HttpRequest, user: User) -> HttpResponse:
    """Log out all other browsers."""
    session_end.end_all_sessions(user, request.session.session_key)
    return redirect_to("account", "elsewhere")
