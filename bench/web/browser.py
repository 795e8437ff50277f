"""Browsers of many people that share one kept connection to a web process."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from html import unescape
from http.client import HTTPConnection, HTTPException
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

from bench.beside_slow_clients import CSRF
from bench.waiting_pages import INPUT, POLLER

PATIENCE_SECONDS = 60
#: As browsers send them.
HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101"
    " Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
    "Accept-Encoding": "gzip, deflate",
}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
KEY = re.compile(r'name="key" id="key" value="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as it is sent and as its answer has to be."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    status: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request, decompressed."""

    status: int
    text: str
    cookies: tuple[str, ...]


class Connection:
    """A kept connection, which opens again when the server has closed it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._link = HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE_SECONDS)

    def close(self) -> None:
        """Close the connection."""
        self._link.close()

    def wake(self) -> None:
        """Make sure that the connection is open."""
        with suppress(HTTPException, OSError):
            self.exchange(Request("GET", "/healthz", {}, b"", 200))
            return
        self._link.close()

    def exchange(self, request: Request) -> tuple[int, Any, bytes]:
        """Send a request and read its answer: status, headers and body.

        Raises ``RuntimeError`` for another status than that of the request.
        """
        self._link.request(
            request.method, request.path, request.body or None, dict(request.headers)
        )
        answer = self._link.getresponse()
        body = answer.read()
        if answer.status != request.status:
            place = urlsplit(request.path).path
            raise RuntimeError(f"{request.method} {place}: {answer.status}")
        return answer.status, answer.headers, body

    def ask(self, request: Request) -> Answer:
        """Send a request, and decompress its answer."""
        status, headers, body = self.exchange(request)
        if headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        cookies = tuple(headers.get_all("Set-Cookie") or ())
        return Answer(status, body.decode(errors="replace"), cookies)


class Browser:
    """The browser of one person, who begins as a new visitor."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._cookies: dict[str, str] = {}

    def get(self, path: str, *, script: bool = False) -> Request:
        """A request for a page, or by the page's script for a part of it."""
        headers = {"HX-Request": "true"} if script else {}
        return self._request("GET", path, headers, b"", 200)

    def post(self, path: str, page: str, **fields: str) -> Request:
        """A form that the script of this page sends, with what the page knows."""
        token = CSRF.search(page)
        sent = {"csrfmiddlewaretoken": token[1] if token else "", **fields}
        body = urlencode([*sent.items(), *known_to(page)]).encode()
        headers = {"HX-Request": "true", "Origin": self._connection.url, **FORM}
        return self._request("POST", path, headers, body, 200)

    def call(self, path: str, body: bytes, key: str) -> Request:
        """A call of the API that saves a message."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        return self._request("POST", path, headers, body, 202)

    def ask(self, request: Request) -> str:
        """Send a request, keep the cookies of its answer, and return its text."""
        answer = self._connection.ask(request)
        for line in answer.cookies:
            for name, morsel in SimpleCookie(line).items():
                self._cookies[name] = morsel.value
        return answer.text

    def _request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        status: int,
    ) -> Request:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        kept = {"Cookie": cookies} if cookies else {}
        return Request(method, path, {**HEADERS, **headers, **kept}, body, status)


def known_to(page: str) -> list[tuple[str, str]]:
    """The fields of the poller: what the page shows."""
    poller = POLLER.search(page)
    found = INPUT.findall(poller[0]) if poller else []
    return [(name, unescape(value)) for name, value in found]


def poll_of(browser: Browser, page: str) -> Request:
    """The poll that this page would send."""
    return browser.get(f"/poll/?{urlencode(known_to(page))}", script=True)


def key_of(page: str) -> str:
    """The idempotency key of the page's composer."""
    key = KEY.search(page)
    return key[1] if key else ""
