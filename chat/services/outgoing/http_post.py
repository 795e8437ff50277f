"""One HTTP POST to an address that was checked, bounded in time and size.

Redirects are not followed, proxies of the environment are not used, and nothing of the
answer is kept but its status and after how long it wants to be asked again.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from http.client import HTTPException
from socket import SHUT_RDWR
from threading import Timer
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from urllib3 import HTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from chat.services.outgoing.addresses import (
    Address,
    Reach,
    is_allowed_port,
    resolve,
    webhook_reach,
)

PORTS = {"http": 80, "https": 443}
#: Addresses of a host that are tried until one answers.
ADDRESSES_TRIED = 3
#: A longer pause in ``Retry-After`` is not believed.
PAUSE_DIGITS = 6
#: Bytes that are read of an answer's body, so that its sender sees no broken pipe.
BODY_BYTES_READ = 65_536


class Failure(StrEnum):
    """Why a call failed."""

    NO_HOST = "no_host"
    PRIVATE_ADDRESS = "private_address"
    PORT = "port"
    NEEDS_HTTPS = "needs_https"
    NO_CONNECTION = "no_connection"
    TLS = "tls"
    TOO_SLOW = "too_slow"
    BROKEN = "broken"
    REDIRECT = "redirect"
    STATUS = "status"
    #: This program failed; its log says more.
    INTERNAL = "internal"
    #: The conversation was deleted before the event was told.
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended: the status if there was an answer, and the failure if any."""

    status: int | None = None
    failure: Failure | None = None
    #: The pause that the answer asks for in ``Retry-After``, if it does in seconds.
    retry_seconds: int | None = None

    @classmethod
    def of_answer(cls, response: HTTPResponse) -> Outcome:
        """Only 2xx is a success."""
        status = response.status
        if 200 <= status < 300:
            return cls(status)
        failure = Failure.REDIRECT if 300 <= status < 400 else Failure.STATUS
        pause = response.headers.get("Retry-After", "").strip()
        is_pause = pause.isascii() and pause.isdigit() and len(pause) <= PAUSE_DIGITS
        return cls(status, failure, int(pause) if is_pause else None)


class _Failed(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class _Call:
    parts: SplitResult
    reach: Reach
    ends_at: float


def post(
    url: str,
    body: bytes,
    headers: dict[str, str],
    reach: Reach | None = None,
    seconds: float | None = None,
) -> Outcome:
    """Send one POST; it takes about ``seconds`` at most.

    By default it obeys the settings of webhooks. Every failure is an ``Outcome``, none
    an exception.
    """
    ends_at = time.monotonic() + (seconds or settings.WEBHOOK_SECONDS)
    call = _Call(urlsplit(url), reach or webhook_reach(), ends_at)
    try:
        with _connection(call) as connection, _cut_at(connection, ends_at):
            return Outcome.of_answer(_exchange(connection, call, body, headers))
    except _Failed as failed:
        return Outcome(failure=failed.failure)
    except (OSError, HTTPError, HTTPException):
        is_late = time.monotonic() >= ends_at
        return Outcome(failure=Failure.TOO_SLOW if is_late else Failure.BROKEN)


def _exchange(
    connection: HTTPConnection, call: _Call, body: bytes, headers: dict[str, str]
) -> HTTPResponse:
    """Send the request; return the answer. Raises ``_Failed`` and what others do."""
    parts = call.parts
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    named = {"Host": parts.netloc, "Connection": "close", **headers}
    connection.request("POST", target, body, named, preload_content=False)
    response = connection.getresponse()
    if time.monotonic() >= call.ends_at:  # headers that were cut look complete
        raise _Failed(Failure.TOO_SLOW)
    with suppress(OSError, HTTPError, HTTPException):
        # The status is known: what is wrong with the body does not matter.
        response.read(BODY_BYTES_READ, decode_content=False)
    return response


@contextmanager
def _connection(call: _Call) -> Iterator[HTTPConnection]:
    """Connect to one of the host's addresses that are allowed. Raises ``_Failed``."""
    port = call.parts.port or PORTS[call.parts.scheme]
    if not is_allowed_port(port):
        raise _Failed(Failure.PORT)
    failure = Failure.NO_CONNECTION
    for address in _allowed(call, port)[:ADDRESSES_TRIED]:
        connection = _made(call, address, port)
        try:
            connection.connect()
        except (OSError, HTTPError) as error:
            connection.close()
            failure = _failure_to_connect(error)
            continue
        try:
            yield connection
        finally:
            connection.close()
        return
    raise _Failed(failure)


def _allowed(call: _Call, port: int) -> list[Address]:
    """The addresses of the host that may be reached. Raises ``_Failed``."""
    parts, reach = call.parts, call.reach
    try:
        found = resolve(parts.hostname or "", port)
    except (OSError, UnicodeError):
        raise _Failed(Failure.NO_HOST) from None
    if not any(map(reach.allows, found)):
        raise _Failed(Failure.PRIVATE_ADDRESS)
    allowed = [address for address in found if reach.allows(address, parts.scheme)]
    if not allowed:
        raise _Failed(Failure.NEEDS_HTTPS)
    return allowed


def _made(call: _Call, address: Address, port: int) -> HTTPConnection:
    """A connection to the address itself, which resolves nothing again.

    The certificate has to be one of the host's.
    """
    left = max(0.1, call.ends_at - time.monotonic())
    if call.parts.scheme == "http":
        return HTTPConnection(str(address), port, timeout=left)
    return HTTPSConnection(
        str(address),
        port,
        timeout=left,
        ssl_context=_tls(),
        server_hostname=call.parts.hostname,
    )


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """The certificates that this machine trusts, which take time to read."""
    return ssl.create_default_context()


def _failure_to_connect(error: Exception) -> Failure:
    match error:
        case ssl.SSLError():
            return Failure.TLS
        case NewConnectionError():
            return Failure.NO_CONNECTION
        case ConnectTimeoutError() | TimeoutError():
            return Failure.TOO_SLOW
        case OSError():
            return Failure.NO_CONNECTION
    return Failure.BROKEN


@contextmanager
def _cut_at(connection: HTTPConnection, ends_at: float) -> Iterator[None]:
    """Cut the connection at this time, however slowly the other side answers."""
    timer = Timer(max(0, ends_at - time.monotonic()), _cut, [connection])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _cut(connection: HTTPConnection) -> None:
    if (sock := connection.sock) is not None:
        with suppress(OSError):
            sock.shutdown(SHUT_RDWR)
