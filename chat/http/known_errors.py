"""What may go wrong in any call, as one error that each API shapes in its own way."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.exceptions import (
    RequestDataTooBig,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.db import InterfaceError, OperationalError
from django.http import Http404
from django.utils.translation import gettext_lazy as _

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
from chat.http.bearer import WrongKey
from chat.http.database_errors import is_disk_full
from chat.services.errors import MessageRefused
from chat.services.held_messages import NotHeld
from chat.services.jobs.status import NotOwner

log = logging.getLogger(__name__)

WRONG_KEY = ApiError(
    401,
    "invalid_api_key",
    _("This API key is wrong, expired or revoked. Make a new one in your account."),
    {"WWW-Authenticate": "Bearer"},
)
MISSING_SCOPE = ApiError(
    403,
    "missing_scope",
    _("This API key may not do this. Make one that may in your account."),
)
TOO_LARGE = ApiError(413, "too_large", _("The request is too large."))
TOO_MANY_FIELDS = ApiError(
    400, "too_many_fields", _("The request has too many fields. Leave some out.")
)
#: Exceptions that are always the same error.
FIXED: dict[type[Exception], ApiError] = {
    Http404: NOT_FOUND,
    NotHeld: NOT_HELD,
    RequestDataTooBig: TOO_LARGE,
    TooManyFieldsSent: TOO_MANY_FIELDS,
    TooManyFilesSent: TOO_MANY_FIELDS,
}


def known_error(raised: Exception) -> ApiError:
    """Return the error for what a call raised; an unexpected one is logged."""
    match raised:
        case ApiError():
            return raised
        case MessageRefused():
            return refusal(raised)
        case WrongKey():
            return _of_key(raised)
        case NotOwner():
            is_closed = raised.is_signed_out and not settings.GUESTS
            return LOG_IN_FIRST if is_closed else NOT_FOUND
        case OperationalError() | InterfaceError():
            log.error("the database is busy, full or away", exc_info=raised)
            return FULL if is_disk_full(raised) else BUSY
    for kind, error in FIXED.items():
        if isinstance(raised, kind):
            return error
    log.error("a call of the API failed", exc_info=raised)
    return BROKEN


def _of_key(wrong: WrongKey) -> ApiError:
    if wrong.retry_seconds is None:
        return WRONG_KEY
    headers = {"Retry-After": str(wrong.retry_seconds)}
    return ApiError(429, "too_many_wrong_keys", WRONG_KEY.message, headers)
