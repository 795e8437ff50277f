"""Answers to what never reaches Django: with the same headers, and silently.

Gunicorn's own answer and its own log repeat what was sent, and that may be anybody's
text.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from gunicorn.asgi.parser import ParseError
from gunicorn.glogging import Logger
from gunicorn.http import errors

from chatsite.headers import HEADERS, NOTHING_ALLOWED

STATUS = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.ForbiddenProxyRequest: HTTPStatus.FORBIDDEN,
}
SAID = {
    HTTPStatus.REQUEST_TIMEOUT: "The request took too long to arrive. Send it again.\n",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests of your network at once. "
    "Send it again in a moment.\n",
}
SAID_OTHERWISE = "The server could not read this request.\n"
RETRY_SECONDS = 1


class WebLogger(Logger):  # type: ignore[misc]  # untyped
    """Gunicorn's log without its details, which are the paths that were asked for."""

    def debug(self, *_arguments: Any, **_named: Any) -> None:
        pass


def status_of(error: Exception) -> HTTPStatus:
    known = [status for kind, status in STATUS.items() if isinstance(error, kind)]
    if known:
        return known[0]
    is_of_client = isinstance(error, errors.ParseException | ParseError)
    return HTTPStatus.BAD_REQUEST if is_of_client else HTTPStatus.INTERNAL_SERVER_ERROR


def where(error: BaseException) -> str:
    """The kind of an error and the line it came from: never its words."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    code = trace.tb_frame.f_code
    return f"{type(error).__name__} in {code.co_filename}:{trace.tb_lineno}"


def answer(status: HTTPStatus) -> bytes:
    """A whole answer, after which the connection ends."""
    said = SAID.get(status, SAID_OTHERWISE)
    headers = {
        "Connection": "close",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": str(len(said)),
        "Cache-Control": "no-store",
        "Content-Security-Policy": NOTHING_ALLOWED,
        **HEADERS,
    }
    if status is HTTPStatus.TOO_MANY_REQUESTS:
        headers["Retry-After"] = str(RETRY_SECONDS)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", said]).encode("latin-1")
