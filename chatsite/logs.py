"""Log lines with ids, counts and places in the code, without texts and secrets.

The message of an error may repeat a user's text, and a path may contain a secret link.
So the log has only the type and the trace of an error, and only the route of a request.
Libraries never log below ``info``: their details contain texts.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from chatsite.request_context import ENVIRON, current_reply, current_request_id

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
        return self._without_secrets(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """Return the line with the id of the request, where there is one."""
        line, request = super().formatMessage(record), _request_id(record)
        return f"{line} [request {request}]" if request else line

    def _without_secrets(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text

    def formatException(self, ei: Raised) -> str:  # noqa: N802 - logging's name
        """Return types and places of an error and of its causes."""
        return "\n".join(_trace(ei[1]))


class JsonFormatter(SafeFormatter):
    """Formats a record as one line of JSON, with the trace of an error in it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a JSON object in which secrets are replaced."""
        said = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(
                timespec="milliseconds"
            ),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
            "request_id": _request_id(record),
            "reply": current_reply(),
            "exception": self.formatException(record.exc_info)
            if record.exc_info
            else "",
        }
        return json.dumps(
            {
                name: self._without_secrets(value) if isinstance(value, str) else value
                for name, value in said.items()
                if value not in ("", None)
            }
        )


def formatter_of(configuration: Mapping[str, Any]) -> logging.Formatter:
    """Return the formatter of a configuration, for what configures itself."""
    options = dict(configuration["formatters"]["line"])
    made: logging.Formatter = options.pop("()")(**options)
    return made


def _request_id(record: logging.LogRecord) -> str:
    """Return the id of the request that a record is about, or in which it was made.

    Django logs an answer that reports an error after the request has been left.
    """
    request = getattr(record, "request", None)
    named = getattr(request, "META", {}).get(ENVIRON, "")
    return current_request_id() or str(named)


FORMATTERS = {"console": SafeFormatter, "json": JsonFormatter}


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


def logging_at(
    level: str, secrets: Iterable[str], form: str = "console"
) -> dict[str, Any]:
    """Return the configuration of logging for ``logging.config.dictConfig``.

    ``form`` is ``console`` or ``json``.
    """
    libraries = "INFO" if level == "DEBUG" else level
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"of_requests": {"()": "chatsite.logs.RequestFilter"}},
        "formatters": {
            "line": {
                "()": FORMATTERS[form],
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
        | {name: {"level": libraries} for name in ("celery", "kombu", "django")}
        # It logs every call, also each question whether a model's server is there.
        | {"httpx2": {"level": "WARNING"}},
    }
