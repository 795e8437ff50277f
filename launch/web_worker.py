"""How gunicorn answers what never reaches Django: with the same headers, and silently.

Its own answer and its own log repeat what was sent, and that may be anybody's text.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

from chatsite.headers import HEADERS, NOTHING_ALLOWED

STATUS = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.ForbiddenProxyRequest: HTTPStatus.FORBIDDEN,
}
SAID = "The server could not read this request.\n"


class WebWorker(ThreadWorker):  # type: ignore[misc]  # untyped
    """Gunicorn's worker of threads."""

    def handle_error(
        self, _request: Any, client: socket.socket, _address: Any, error: Exception
    ) -> None:
        status = status_of(error)
        if status is HTTPStatus.INTERNAL_SERVER_ERROR:
            self.log.error("a request failed in the server: %s", where(error))
        else:
            self.log.info("refused what is no request: %s", type(error).__name__)
        with suppress(OSError):
            client.sendall(answer(status))


class WebLogger(Logger):  # type: ignore[misc]  # untyped
    """Gunicorn's log without its details, which are the paths that were asked for."""

    def debug(self, *_arguments: Any, **_named: Any) -> None:
        pass


def status_of(error: Exception) -> HTTPStatus:
    known = [status for kind, status in STATUS.items() if isinstance(error, kind)]
    if known:
        return known[0]
    is_of_client = isinstance(error, errors.ParseException)
    return HTTPStatus.BAD_REQUEST if is_of_client else HTTPStatus.INTERNAL_SERVER_ERROR


def where(error: Exception) -> str:
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
    headers = {
        "Connection": "close",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": str(len(SAID)),
        "Cache-Control": "no-store",
        "Content-Security-Policy": NOTHING_ALLOWED,
        **HEADERS,
    }
    lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", SAID]).encode("latin-1")
