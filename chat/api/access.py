"""Who may make a call: a key with a scope, or the cookies of a page of this site."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from chat.api.key_access import authenticate, check_is_own
from chat.http.api_errors import ApiError
from chat.http.bearer import bearer_secret

CROSS_SITE = ApiError(403, "cross_site", _("Calls from other sites are refused."))


class Access:
    """What django-ninja asks before each call.

    A call with an API key needs one of the ``scopes``; ``own_by`` says how the ``pk``
    in its address finds the conversation that has to be the key's own (``key_access``).

    Calls with cookies need no CSRF token: browsers say which site a call comes from,
    and calls from other sites are refused (``SameSite=Lax`` would withhold their
    cookies anyway).
    """

    def __init__(self, *scopes: str, own_by: str | None = None) -> None:
        self.scopes = scopes
        self.own_by = own_by

    def __call__(self, request: HttpRequest) -> bool:
        """Let a call through. Raises ``ApiError``."""
        secret = bearer_secret(request)
        if secret is not None:
            authenticate(request, secret, self.scopes)
            check_is_own(request, self.own_by, _pk(request))
        elif request.method != "GET" and _is_cross_site(request):
            raise CROSS_SITE
        return True


def _pk(request: HttpRequest) -> Any:
    match = request.resolver_match
    return None if match is None else match.kwargs.get("pk")


def _is_cross_site(request: HttpRequest) -> bool:
    fetch_site = request.headers.get("Sec-Fetch-Site")
    if fetch_site is not None:
        return fetch_site not in ("none", "same-origin")
    origin = request.headers.get("Origin")
    if origin is None or _is_trusted(origin):
        return False
    try:
        return urlsplit(origin).netloc != request.get_host()
    except ValueError:  # not a URL
        return True


def _is_trusted(origin: str) -> bool:
    """Whether it is in ``CSRF_TRUSTED_ORIGINS``, or matches one with ``*``."""
    listed = settings.CSRF_TRUSTED_ORIGINS
    below = (one for one in listed if "*" in one)
    return origin in listed or any(fnmatchcase(origin, one) for one in below)
