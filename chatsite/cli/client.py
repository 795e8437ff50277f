"""HTTP to one site: JSON in and out, one connection that is made again when lost."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from itertools import count
from typing import Any
from urllib.parse import quote, urlsplit

from chatsite.cli.errors import CliError, Exit, ServerRefused

#: Longer than the server lets a call wait (``LONG_POLL_SECONDS``).
TIMEOUT_SECONDS = 150
#: How long a server that went away is called again, and how often.
AWAY_SECONDS = 60.0
PAUSES_SECONDS = (0.1, 0.5, 1.0, 2.0)
#: What proxies answer for a server that is away, and a server that restarts.
AWAY = (
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)
#: What a path may contain besides letters and digits (RFC 3986).
PATH_SIGNS = "/%:@!$&'()*+,;=-._~"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said. ``data`` is None for status 304."""

    data: Any
    etag: str = ""


class Client:
    """Calls of one site with one key. Every call raises ``CliError``."""

    def __init__(self, url: str, key: str, on_away: Callable[[], None]) -> None:
        """``on_away`` is called when the connection was lost and is made again."""
        self.url = url
        self._key = key
        self._on_away = on_away
        try:
            self._link, self.prefix = _connection(url)
        except (ValueError, HTTPException) as error:
            said = (
                f"{url} is no address of a site, such as https://chat.example.org: "
                f"{error}"
            )
            raise CliError(said, Exit.USAGE) from None
        #: A server that never answered is not called again: its address is wrong.
        self._has_answered = False

    def get(self, path: str, etag: str = "") -> Answer:
        """Read; with the ``etag`` of an earlier answer, only what has changed."""
        headers = {"If-None-Match": etag} if etag else {}
        response, body = self._call("GET", path, None, headers, is_repeatable=True)
        if response.status == HTTPStatus.NOT_MODIFIED:
            return Answer(None, etag)
        return Answer(_json(response, body), response.headers.get("ETag", ""))

    def post(
        self, path: str, data: Mapping[str, Any], *, once: str | None = None
    ) -> Any:
        """Send JSON. With an idempotency key ``once`` it is repeated if need be."""
        headers = {"Content-Type": "application/json"}
        if once:
            headers["Idempotency-Key"] = once
        body = json.dumps(data).encode()
        answer = self._call("POST", path, body, headers, is_repeatable=bool(once))
        return _json(*answer)

    def put(self, path: str, data: Mapping[str, Any]) -> Any:
        """Replace something."""
        headers = {"Content-Type": "application/json"}
        body = json.dumps(data).encode()
        return _json(*self._call("PUT", path, body, headers, is_repeatable=True))

    def upload(self, path: str, body: bytes, content_type: str, *, once: str) -> Any:
        """Send a body of any kind, with an idempotency key."""
        headers = {"Content-Type": content_type, "Idempotency-Key": once}
        return _json(*self._call("POST", path, body, headers, is_repeatable=True))

    def download(self, path: str) -> bytes:
        """Read a body of any kind."""
        response, body = self._call("GET", path, None, {}, is_repeatable=True)
        if response.status >= HTTPStatus.BAD_REQUEST:
            _json(response, body)
        return body

    def close(self) -> None:
        """Close the connection."""
        self._link.close()

    def _call(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        *,
        is_repeatable: bool,
    ) -> tuple[HTTPResponse, bytes]:
        if not is_repeatable:  # a kept connection may have been closed meanwhile
            self._link.close()
        own = {"Authorization": f"Bearer {self._key}", "Accept": "application/json"}
        began = time.monotonic()
        for tries in count():
            try:
                answer = self._ask(method, path, body, {**own, **headers})
            except (OSError, HTTPException) as error:
                is_over = time.monotonic() - began > AWAY_SECONDS
                if is_over or not (is_repeatable and self._has_answered):
                    said = f"{self.url} cannot be reached: {error or 'it hung up'}"
                    raise CliError(said, Exit.UNREACHABLE) from None
            else:
                self._has_answered = True
                return answer
            if tries == 1:
                self._on_away()
            time.sleep(PAUSES_SECONDS[min(tries, len(PAUSES_SECONDS) - 1)])
        raise AssertionError

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[HTTPResponse, bytes]:
        try:
            self._link.request(method, f"{self.prefix}{path}", body, dict(headers))
            response = self._link.getresponse()
            content = response.read()
        except BaseException:  # as Ctrl+C: the rest of the answer will not be read
            self._link.close()
            raise
        if method == "GET" and self._has_answered and response.status in AWAY:
            raise ConnectionError(f"status {response.status}")
        return response, content


def quoted(pk: str) -> str:
    """Return an id that a person typed as a part of a path."""
    return quote(pk, safe="", errors="replace")


def _connection(url: str) -> tuple[HTTPConnection, str]:
    """A connection, not yet open, and the path of the site.

    Raises ``ValueError`` or ``HTTPException`` if the URL is none.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError("it begins with https:// or http://")
    if not parts.hostname:
        raise ValueError("it names no server")
    parts.hostname.encode("idna")  # as a connection will, but only once it opens
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    link = kind(parts.hostname, parts.port, timeout=TIMEOUT_SECONDS)
    return link, quote(parts.path.rstrip("/"), safe=PATH_SIGNS, errors="replace")


def _json(response: HTTPResponse, body: bytes) -> Any:
    data = None
    with suppress(ValueError):
        data = json.loads(body)
    if response.status >= HTTPStatus.BAD_REQUEST:
        retry_after = response.headers.get("Retry-After")
        raise ServerRefused(response.status, data, retry_after)
    if data is None:
        raise CliError("The server's answer is no JSON: is this the right address?")
    return data
