"""What goes wrong between this worker and a model's server, and what comes of it.

No message repeats what the server said: it may quote a user, or a key.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

from chatsite.wire import ErrorCode

#: A server may ask for longer; then it is asked again meanwhile.
RETRY_AFTER_MAX_SECONDS: Final = 300.0
#: What the code of an error is, as servers name them: words without digits, which a key
#: nearly always has.
NAME = re.compile(r"(?=.{1,64}$)[A-Za-z]+([_.-][A-Za-z]+)*")
HIDDEN: Final = "***"
TOO_LONG = re.compile(
    r"context[_ ](length|size|window)|maximum context|too many tokens"
    r"|prompt is too long",
    re.IGNORECASE,
)
#: Statuses after which the same request may work later.
TEMPORARY: Final = frozenset({408, 409, 425, 429})


class RemoteFault(Exception):
    """A request did not work. The message is for the log."""

    def hide(self, key: str) -> None:
        """Remove the key of the server, if that repeated it as the name of an error."""
        if key:
            self.args = (str(self).replace(key, HIDDEN),)


class Refused(RemoteFault):
    """It would not work the next time either."""

    def __init__(self, detail: str, code: ErrorCode = ErrorCode.SERVER_REFUSED) -> None:
        super().__init__(detail)
        self.code = code


class Interrupted(RemoteFault):
    """It may work later, so the reply goes back into its line.

    ``retry_after``: seconds, if the server said so. ``is_counted``: whether the request
    itself may be the cause, so that it is not sent for ever. ``is_away``: whether the
    server cannot be used at all.
    """

    def __init__(
        self,
        detail: str,
        *,
        retry_after: float | None = None,
        is_counted: bool = True,
        is_away: bool = False,
    ) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
        self.is_counted = is_counted
        self.is_away = is_away


def fault_of_answer(
    status: int, headers: Mapping[str, str], body: bytes
) -> RemoteFault:
    """Return the fault of an answer whose status is no success."""
    named = error_name(_parsed(body))
    detail = f"the server answered {status}{f' ({named})' if named else ''}"
    is_server_error = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if is_server_error or status in TEMPORARY:
        is_busy = status in (
            HTTPStatus.TOO_MANY_REQUESTS,
            HTTPStatus.SERVICE_UNAVAILABLE,
        )
        return Interrupted(
            detail,
            retry_after=retry_after_seconds(headers.get("retry-after", "")),
            is_counted=not is_busy,
            is_away=status == HTTPStatus.SERVICE_UNAVAILABLE,
        )
    if status in (400, 413, 422) and is_too_long(body):
        return Refused(detail, ErrorCode.TOO_LONG)
    return Refused(detail)


def fault_in_answer(error: object) -> RemoteFault:
    """Return the fault of an error that came as an answer, or in its middle."""
    named = error_name({"error": error})
    detail = f"the server reported an error{f' ({named})' if named else ''}"
    if is_too_long(json.dumps(error).encode()):
        return Refused(detail, ErrorCode.TOO_LONG)
    return Refused(detail, ErrorCode.MODEL_ERROR)


def is_too_long(body: bytes) -> bool:
    """Return whether an error is about the length of the prompt."""
    return bool(TOO_LONG.search(body[:4000].decode("utf-8", "replace")))


def error_name(answer: Any) -> str:
    """Return the code or the type that an answer gives its error, if it is a name."""
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        return ""
    for field in ("code", "type"):
        value = error.get(field)
        if isinstance(value, str) and NAME.fullmatch(value):
            return value
    return ""


def retry_after_seconds(value: str) -> float | None:
    """Return the seconds of a Retry-After header, a number or a date (RFC 9110)."""
    try:
        seconds = float(value)
    except ValueError:
        seconds = _seconds_until(value)
    if math.isnan(seconds):
        return None
    return min(max(0.0, seconds), RETRY_AFTER_MAX_SECONDS)


def _seconds_until(value: str) -> float:
    """Return the seconds until a date; not a number if it is none."""
    try:
        date = parsedate_to_datetime(value)
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        return (date - datetime.now(UTC)).total_seconds()
    except (ValueError, OverflowError):
        return math.nan


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
