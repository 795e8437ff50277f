"""Log lines: ids, counts and places in the code; nobody's words, and no secret.

An error's own words may repeat whatever it stumbled over, and a path may hold a secret
link. So of an error only its kind and its trace are written, of a request only the kind
of page it asked for. Libraries never speak below ``info``: their details are texts.
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


def kind_of(error: BaseException) -> str:
    """What went wrong, with the database's own code for it: never the words."""
    cause = error.__cause__ or error
    code = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
    return f"{type(error).__name__} ({code})" if code else type(error).__name__


class Line(logging.Formatter):
    """One line, or more where an error left its trace."""

    def __init__(self, format: str, secrets: Iterable[str] = ()) -> None:
        super().__init__(format)
        self._secrets = sorted(filter(None, secrets), key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        # Another handler may have put its own words there.
        record.exc_text = None
        line = super().format(record)
        for secret in self._secrets:
            line = line.replace(secret, HIDDEN)
        return line

    def formatException(self, ei: Raised) -> str:  # noqa: N802 - its name there
        return "\n".join(_told(ei[1]))


def _told(error: BaseException | None) -> Iterable[str]:
    """An error and what led to it: kinds and places."""
    while error is not None:
        yield type(error).__qualname__
        for frame in traceback.extract_tb(error.__traceback__):
            yield f"  {frame.filename}:{frame.lineno} in {frame.name}"
        is_hidden = error.__suppress_context__
        error = error.__cause__ or (None if is_hidden else error.__context__)


class OfRequests(logging.Filter):
    """Django names the path that went wrong; here it is the kind of page instead."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if request is not None and record.name.startswith("django."):
            match = getattr(request, "resolver_match", None)
            page = match.route if match else "what is no page"
            status = getattr(record, "status_code", "")
            record.msg = "%s %s %s"
            record.args = (status, getattr(request, "method", ""), f"/{page}")
        return True


def logging_at(level: str, secrets: Iterable[str]) -> dict[str, Any]:
    """What ``logging.config.dictConfig`` takes."""
    libraries = "INFO" if level == "DEBUG" else level
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"of_requests": {"()": "chatsite.logs.OfRequests"}},
        "formatters": {
            "line": {
                "()": "chatsite.logs.Line",
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
        # These keep a level of their own, whatever the root's is.
        | {name: {"level": libraries} for name in ("celery", "kombu", "django")},
    }
