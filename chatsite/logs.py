"""Log lines with ids, counts and places in the code, without texts and secrets.

The message of an error may repeat a user's text, and a path may contain a secret link.
So the log has only the type and the trace of an error, and only the route of a request.
Libraries never log below ``info``: their details contain texts.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable
from types import TracebackType
from typing import Any

OURS = ("bench", "chat", "chatsite", "launch", "worker")
HIDDEN = "***"

Raised = (
    tuple[type[BaseException], BaseException, TracebackType | None]
    | tuple[None, None, None]
)


def error_type(error: BaseException) -> str:
    """Return the type of an error, with the database's code for it, not its message."""
    cause = error.__cause__ or error
    code = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
    return f"{type(error).__name__} ({code})" if code else type(error).__name__


class SafeFormatter(logging.Formatter):
    """Formats a record as one line, and the trace of an error below it."""

    def __init__(self, format: str, secrets: Iterable[str] = ()) -> None:  # noqa: A002
        super().__init__(format)
        self._secrets = sorted(filter(None, secrets), key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record, in which secrets are replaced."""
        # Another handler may have put the message of the error there.
        record.exc_text = None
        line = super().format(record)
        for secret in self._secrets:
            line = line.replace(secret, HIDDEN)
        return line

    def formatException(self, ei: Raised) -> str:  # noqa: N802 - logging's name
        """Return types and places of an error and of its causes."""
        return "\n".join(_trace(ei[1]))


def _trace(error: BaseException | None) -> Iterable[str]:
    """List types and places of an error and of what caused it."""
    while error is not None:
        yield type(error).__qualname__
        for frame in traceback.extract_tb(error.__traceback__):
            yield f"  {frame.filename}:{frame.lineno} in {frame.name}"
        is_hidden = error.__suppress_context__
        error = error.__cause__ or (None if is_hidden else error.__context__)


class RequestFilter(logging.Filter):
    """Replaces the path in Django's records of requests by the route."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record, and keep it."""
        request = getattr(record, "request", None)
        if request is not None and record.name.startswith("django."):
            match = getattr(request, "resolver_match", None)
            page = match.route if match else "no page"
            status = getattr(record, "status_code", "")
            record.msg = "%s %s %s"
            record.args = (status, getattr(request, "method", ""), f"/{page}")
        return True


def logging_at(level: str, secrets: Iterable[str]) -> dict[str, Any]:
    """Return the configuration of logging for ``logging.config.dictConfig``."""
    libraries = "INFO" if level == "DEBUG" else level
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"of_requests": {"()": "chatsite.logs.RequestFilter"}},
        "formatters": {
            "line": {
                "()": "chatsite.logs.SafeFormatter",
                "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
                "secrets": list(secrets),
            }
        },
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "filters": ["of_requests"],
            }
        },
        "root": {"handlers": ["console"], "level": libraries},
        "loggers": {name: {"level": level} for name in OURS}
        # These libraries set a level of their own.
        | {name: {"level": libraries} for name in ("celery", "kombu", "django")},
    }
