"""Who may operate the site."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

from chat.views.accounts.decorators import can_operate, current_account

View = Callable[..., HttpResponse]


def operator_required(view: View) -> View:
    """Decorator: 404 for users who may not operate the site."""

    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        user = current_account(request)
        if user is None or not can_operate(user):
            raise Http404
        return view(request, *args, **kwargs)

    return guarded
