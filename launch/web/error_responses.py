"""Error responses to requests that never reach Django.

They have the same headers as Django's. gunicorn's own response and log are not used,
because they repeat what was sent, which may be private text.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from gunicorn.asgi.parser import ParseError
from gunicorn.glogging import Logger
from gunicorn.http import errors

from chatsite import settings
from chatsite.logs import formatter_of
from chatsite.security_headers import HEADERS, NOTHING_ALLOWED

STATUS = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.ForbiddenProxyRequest: HTTPStatus.FORBIDDEN,
}
MESSAGES = {
    HTTPStatus.REQUEST_TIMEOUT: "The request took too long to arrive. Send it again.\n",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests from your network at once. "
    "Try again in a moment.\n",
}
DEFAULT_MESSAGE = "The server couldn't read this request.\n"
RETRY_SECONDS = 1
TEXT, PAGE = "text/plain; charset=utf-8", "text/html; charset=utf-8"
#: In English, because the header with the browser's language was not read either.
COOKIES_PAGE = """\
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Too many cookies - chatsite</title>
  </head>
  <body>
    <main>
      <h1>This site can't read your browser's cookies</h1>
      <p>Other applications at the same address set cookies too, and your browser sends
      all of them here. Together they are too long, or one of them is damaged.</p>
      <p>Go back in your browser: what you typed is still there. Delete the other
      applications' cookies for this address in your browser settings, then try again.
      If you have no account, keep the cookie whose name begins with
      <code>guest_</code> or <code>__Host-guest_</code>: it leads to your
      conversations.</p>
    </main>
  </body>
</html>
"""


class WebLogger(Logger):  # type: ignore[misc]  # untyped
    """gunicorn's log without debug messages, which hold the requested paths."""

    def setup(self, cfg: Any) -> None:
        """Write the log as the rest of the program does if that is JSON."""
        super().setup(cfg)
        if settings.LOG_FORMAT == "json":
            for handler in self.error_log.handlers:
                handler.setFormatter(formatter_of(settings.LOGGING))

    def debug(self, *_arguments: Any, **_named: Any) -> None:
        """Log nothing."""


def status_of(error: Exception) -> HTTPStatus:
    """Return the status for an error of gunicorn's parsers or of the server."""
    known = [status for kind, status in STATUS.items() if isinstance(error, kind)]
    if known:
        return known[0]
    is_of_client = isinstance(error, errors.ParseException | ParseError)
    return HTTPStatus.BAD_REQUEST if is_of_client else HTTPStatus.INTERNAL_SERVER_ERROR


def location(error: BaseException) -> str:
    """Return the class of an error and the line that raised it, not its message."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    code = trace.tb_frame.f_code
    return f"{type(error).__name__} in {code.co_filename}:{trace.tb_lineno}"


def is_about_cookies(error: Exception) -> bool:
    """Return whether a person can repair a request by deleting cookies.

    No other header of a browser grows, or holds characters that gunicorn refuses.
    """
    if isinstance(error, errors.InvalidHeader):
        return str(error.hdr) == "COOKIE"
    return isinstance(error, errors.LimitRequestHeaders)


def response_to(error: Exception) -> bytes:
    """Return a whole response to an invalid request or an error of the server."""
    status = status_of(error)
    if is_about_cookies(error):
        return _response(status, PAGE, COOKIES_PAGE)
    return response(status)


def response(status: HTTPStatus) -> bytes:
    """Return a whole response with a sentence on this status."""
    return _response(status, TEXT, MESSAGES.get(status, DEFAULT_MESSAGE))


def _response(status: HTTPStatus, content_type: str, body: str) -> bytes:
    headers = {
        "Connection": "close",
        "Content-Type": content_type,
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "Content-Security-Policy": NOTHING_ALLOWED,
        **HEADERS,
    }
    if status is HTTPStatus.TOO_MANY_REQUESTS:
        headers["Retry-After"] = str(RETRY_SECONDS)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", body]).encode("latin-1")
