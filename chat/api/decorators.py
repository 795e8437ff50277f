"""What all API calls share: JSON in and out, errors as JSON, no cross-site calls."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from chat.api.key_access import authenticate, check_is_own
from chat.http.api_errors import (
    BROKEN,
    BUSY,
    FULL,
    LOG_IN_FIRST,
    NOT_FOUND,
    NOT_HELD,
    ApiError,
    refusal,
)
from chat.http.bearer import bearer_secret
from chat.http.database_errors import is_disk_full
from chat.services.errors import MessageRefused
from chat.services.held_messages import NotHeld
from chat.services.jobs.status import NotOwner

log = logging.getLogger(__name__)

Call = Callable[..., HttpResponseBase]


def api_call(
    method: str, *scopes: str, own_by: str | None = None
) -> Callable[[Call], Call]:
    """Make an API view for one method, which answers every error as JSON.

    A call with an API key needs one of the ``scopes``; ``own_by`` says how the ``pk``
    in its address finds the conversation that has to be the key's own (``key_access``).

    Calls with cookies need no CSRF token: browsers say which site a call comes from,
    and calls from other sites are refused (``SameSite=Lax`` would withhold their
    cookies anyway).
    """

    def decorate(view: Call) -> Call:
        @csrf_exempt
        @never_cache
        @wraps(view)
        def call(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                _check(request, method, scopes)
                check_is_own(request, own_by, kwargs.get("pk"))
                return view(request, *args, **kwargs)
            except ApiError as error:
                return error.response()
            except NotOwner as refused:
                is_closed = refused.is_signed_out and not settings.GUESTS
                return (LOG_IN_FIRST if is_closed else NOT_FOUND).response()
            except Http404:
                return NOT_FOUND.response()
            except NotHeld:
                return NOT_HELD.response()
            except MessageRefused as refused:
                return refusal(refused).response()
            except (InterfaceError, OperationalError) as error:
                log.exception("the database is busy, full or away")
                return (FULL if is_disk_full(error) else BUSY).response()
            except Exception:
                log.exception("a call of the API failed")
                return BROKEN.response()

        return call

    return decorate


def _check(request: HttpRequest, method: str, scopes: tuple[str, ...]) -> None:
    secret = bearer_secret(request)
    if secret is not None:
        authenticate(request, secret, scopes)
    if request.method != method:
        message = _("Use %(method)s here.") % {"method": method}
        raise ApiError(405, "method_not_allowed", message, {"Allow": method})
    if secret is None and method != "GET" and _is_cross_site(request):
        raise ApiError(403, "cross_site", _("Calls from other sites are refused."))


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


def json_body(request: HttpRequest) -> dict[str, Any]:
    """Return the JSON object of the request. Raises ``ApiError``."""
    if request.content_type != "application/json":
        raise ApiError(
            415, "not_json", _("Send the header Content-Type: application/json.")
        )
    try:
        body = json.loads(request.body)
    except RequestDataTooBig:
        raise ApiError(413, "too_large", _("The request is too large.")) from None
    except (ValueError, RecursionError):
        raise ApiError(400, "bad_json", _("The body must be a JSON object.")) from None
    if not isinstance(body, dict):
        raise ApiError(400, "bad_json", _("The body must be a JSON object."))
    return body
