"""Assembles requests from the bytes of one connection, without waiting for more.

gunicorn's own parsers read the head, decode chunks, and refuse invalid requests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from gunicorn.asgi.parser import PythonProtocol
from gunicorn.http import errors
from gunicorn.http.body import ChunkedReader, LengthReader
from gunicorn.http.message import Request
from gunicorn.http.unreader import Unreader

#: The limit of a whole head, which may be one long line: a browser sends the cookies of
#: all applications on a host in one. gunicorn limits the lines and their number.
HEAD_MAX_BYTES = 65_536
HEAD_END = b"\r\n\r\n"
#: The end of a line that ends with LF alone, which is not allowed.
BARE_LF = re.compile(rb"(?<!\r)\n")
HEAD_OF_CHUNKS = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"


class Incomplete(Exception):
    """The parser needs bytes that have not arrived."""


class RequestReader:
    """The requests of one connection, one after another.

    On invalid requests its methods raise the errors of gunicorn's parsers. Then the
    connection has to be closed.
    """

    def __init__(
        self,
        cfg: Any,
        peer: Any,
        body_max_bytes: int,
        upload_max_bytes: Mapping[str, int] | None = None,
    ) -> None:
        """``upload_max_bytes``: the limits of paths that take larger bodies."""
        self._cfg = cfg
        self._peer = peer
        self._body_max_bytes = body_max_bytes
        self._upload_max_bytes = upload_max_bytes or {}
        self._buffer = bytearray()
        #: How many bytes of the buffer were searched for the end of a head.
        self._searched = 0
        self._count = 0
        self._request: Any = None
        self._body: LengthBody | ChunkedBody = LengthBody(0, 0)

    def __len__(self) -> int:
        """Return the bytes kept of incomplete requests."""
        return len(self._buffer) + len(self._body)

    @property
    def is_in_head(self) -> bool:
        """Whether a part of a head has arrived."""
        return self._request is None and bool(self._buffer)

    @property
    def is_in_body(self) -> bool:
        """Whether a head has arrived and its body is incomplete."""
        return self._request is not None

    def feed(self, data: bytes) -> None:
        """Add bytes that have arrived."""
        self._buffer += data

    def next_request(self) -> Any:
        """Return the next request with its whole body, or None while it is incomplete.

        A body over the limit is discarded: the request has the announced length and
        nothing to read, and its connection is closed after the answer.
        """
        if self._request is None:
            self._read_head()
        if self._request is None or not self._body.take_from(self._buffer):
            return None
        request, self._request = self._request, None
        body, self._body = self._body, LengthBody(0, 0)
        # Otherwise gunicorn would ask for the body that has arrived.
        request._expected_100_continue = False
        body.give_to(request)
        return request

    def end(self) -> None:
        """Raise ``NoMoreData`` if the client stopped sending within a body."""
        if self.is_in_body:
            raise errors.NoMoreData

    def take_expectation(self) -> bool:
        """Return whether the client waits for 100 Continue; True only once."""
        is_expected = bool(self._request._expected_100_continue)
        self._request._expected_100_continue = False
        return is_expected

    def _read_head(self) -> None:
        begin = max(0, self._searched - 3)
        is_whole = self._buffer.find(HEAD_END, begin) >= 0
        is_decided = is_whole or BARE_LF.search(self._buffer, begin)
        self._searched = len(self._buffer)
        if not is_decided and self._searched <= HEAD_MAX_BYTES:
            return
        self._parse_head()
        if self._request is None:
            _refuse_long_head(self._searched)

    def _parse_head(self) -> None:
        """Set the request and its body, if the head is whole."""
        held = Held(bytes(self._buffer))
        try:
            request = Request(self._cfg, held, self._peer, self._count + 1)
        except Incomplete:
            return
        rest = bytearray(held.take_buffered())
        _refuse_long_head(len(self._buffer) - len(rest))
        self._count += 1
        self._searched = 0
        self._buffer = rest
        limit = self._upload_max_bytes.get(request.path, self._body_max_bytes)
        self._body = body_of(request, limit)
        self._request = request


def _refuse_long_head(length: int) -> None:
    if length > HEAD_MAX_BYTES:
        raise errors.LimitRequestHeaders("the head is too long")


class Held(Unreader):  # type: ignore[misc]  # untyped
    """The bytes that gunicorn's parser may read; it cannot wait for more."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.buf.write(data)

    def chunk(self, _size_hint: int | None = None) -> bytes:
        """Raise ``Incomplete``."""
        raise Incomplete


class LengthBody:
    """A body of known length."""

    def __init__(self, length: int, max_bytes: int) -> None:
        self._length = length
        self._content = b""
        self.is_too_large = length > max_bytes

    def take_from(self, buffer: bytearray) -> bool:
        """Take the body's bytes; return whether it is whole or too large."""
        if self.is_too_large:
            buffer.clear()
            return True
        if len(buffer) < self._length:
            return False
        # A slice of the buffer itself would copy a large file once more.
        with memoryview(buffer) as whole, whole[: self._length] as content:
            self._content = bytes(content)
        del buffer[: self._length]
        return True

    def __len__(self) -> int:
        return len(self._content)

    def give_to(self, request: Any) -> None:
        """Set the body of gunicorn's request."""
        request.body = BytesIO(self._content)
        if self.is_too_large:
            request.force_close()


class ChunkedBody:
    """A chunked body, which the application gets as one of known length."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._content = bytearray()
        self._chunks = PythonProtocol(on_body=self._content.extend)
        self._chunks.feed(HEAD_OF_CHUNKS)

    @property
    def is_too_large(self) -> bool:
        """Whether more has arrived than is allowed."""
        return len(self._content) > self._max_bytes

    def take_from(self, buffer: bytearray) -> bool:
        """Take the body's chunks; return whether it is whole or too large."""
        self._chunks.feed(bytes(buffer))
        buffer.clear()
        if self._chunks.is_complete:
            buffer += self._chunks.remaining()
        return self.is_too_large or self._chunks.is_complete

    def __len__(self) -> int:
        return len(self._content)

    def give_to(self, request: Any) -> None:
        """Set the body of gunicorn's request."""
        # This header describes one hop only (RFC 9112, section 6.1).
        kept = [pair for pair in request.headers if pair[0] != "TRANSFER-ENCODING"]
        request.headers = [*kept, ("CONTENT-LENGTH", str(len(self._content)))]
        if self.is_too_large:
            self._content.clear()
            request.force_close()
        request.body = BytesIO(self._content)


def body_of(request: Any, max_bytes: int) -> LengthBody | ChunkedBody:
    """Return the empty body that the head of a request announces."""
    reader = request.body.reader
    if isinstance(reader, ChunkedReader):
        return ChunkedBody(max_bytes)
    if isinstance(reader, LengthReader):
        return LengthBody(reader.length, max_bytes)
    raise errors.InvalidHeader("CONTENT-LENGTH", req=request)
