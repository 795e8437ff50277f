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

from chatsite.security_headers import HEADERS, NOTHING_ALLOWED

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
TEXT, PAGE = "text/plain; charset=utf-8", "text/html; charset=utf-8"
#: In English: the language that a browser asks for could not be read, either.
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
      <h1>This site cannot read the cookies that your browser sent.</h1>
      <p>Other applications at the same address set cookies too, and your browser sends
      all of them here. Together they are too long, or one of them is damaged.</p>
      <p>Go back with your browser, where what you typed still stands. Delete the other
      applications' cookies for this address in the settings of your browser, then try
      again. If you chat here without an account, keep the cookie whose name begins with
      <code>guest_</code> or <code>__Host-guest_</code>: it leads to your
      conversations.</p>
    </main>
  </body>
</html>
"""


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


def is_about_cookies(error: Exception) -> bool:
    """Whether a person can mend a request by deleting cookies.

    No other part of a browser's head grows, or holds what gunicorn refuses.
    """
    if isinstance(error, errors.InvalidHeader):
        return str(error.hdr) == "COOKIE"
    return isinstance(error, errors.LimitRequestHeaders)


def answer_to(error: Exception) -> bytes:
    """A whole answer to what is no request, or failed in the server."""
    status = status_of(error)
    if is_about_cookies(error):
        return _answer(status, PAGE, COOKIES_PAGE)
    return answer(status)


def answer(status: HTTPStatus) -> bytes:
    """A whole answer, after which the connection ends."""
    return _answer(status, TEXT, SAID.get(status, SAID_OTHERWISE))


def _answer(status: HTTPStatus, content_type: str, said: str) -> bytes:
    headers = {
        "Connection": "close",
        "Content-Type": content_type,
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
