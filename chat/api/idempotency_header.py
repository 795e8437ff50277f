"""The header ``Idempotency-Key``.

Source: draft-ietf-httpapi-idempotency-key-header, whose key is a quoted string of
RFC 8941; programs send it bare as well, and both name the same key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from django.http import HttpRequest
from django.utils.translation import gettext as _

from chat.http.request import owner_id
from chat.models import Conversation
from chat.services.errors import MessageRefused
from chat.services.idempotency import check_key, once

QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
ESCAPED = re.compile(r'\\(["\\])')


def idempotency_key(request: HttpRequest) -> str | None:
    """Return the key of a request, or None without the header.

    Raises ``MessageRefused`` with the code bad_key.
    """
    raw = request.headers.get("Idempotency-Key")
    if raw is None:
        return None
    key = _unquote(_decode(raw).strip(" \t"))
    check_key(key)
    return key


def once_for(
    request: HttpRequest, request_parts: Sequence[str], act: Callable[[], Conversation]
) -> None:
    """Carry out a request without a reply, once for its key (see ``once``)."""
    once(owner_id(request), idempotency_key(request), request_parts, act)


def _decode(raw: str) -> str:
    """Decode UTF-8, which programs send beyond ASCII."""
    try:
        return raw.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return raw


def _unquote(value: str) -> str:
    """Remove the quotes.

    A bare key cannot hold a comma, because the server joins repeated headers by commas.
    """
    if not value.startswith('"') and "," not in value:
        return value
    if (quoted := QUOTED.fullmatch(value)) is None:
        raise MessageRefused(
            "bad_key",
            _(
                "Send one Idempotency-Key header with one key. Put a key that contains"
                " a comma in double quotes, and escape quotes and backslashes in it"
                " with a backslash."
            ),
        )
    return ESCAPED.sub(r"\1", quoted[1])
