"""Requests are the same however the bytes of a connection are cut."""

from __future__ import annotations

import pytest
from gunicorn.asgi.parser import ParseError
from gunicorn.config import Config
from gunicorn.http.errors import ParseException

from launch.web.request_reader import RequestReader

BODY_MAX_BYTES = 100
CHUNKED = b"POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
STREAM = (
    b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
    b"POST /a HTTP/1.1\r\nContent-Length: 7\r\n\r\n\r\n\r\nGET"
    + CHUNKED
    + b"4;x=y\r\n\r\n\r\n\r\n1\r\nz\r\n0\r\nX-Trailer: y\r\n\r\n"
    + b"GET /c HTTP/1.0\r\n\r\n"
)
READ = [
    ("GET", "/a", b""),
    ("POST", "/a", b"\r\n\r\nGET"),
    ("POST", "/b", b"\r\n\r\nz"),
    ("GET", "/c", b""),
]


def reader() -> RequestReader:
    return RequestReader(Config(), ("127.0.0.1", 1), BODY_MAX_BYTES)


def read(*pieces: bytes) -> list[tuple[str, str, bytes]]:
    found = []
    requests = reader()
    for piece in pieces:
        requests.feed(piece)
        while request := requests.next_request():
            found.append((request.method, request.uri, request.body.read()))
    assert not len(requests)
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 5, 17, 64, len(STREAM)])
def test_pieces_of_any_size(size: int) -> None:
    pieces = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
    assert read(*pieces) == READ


def test_two_pieces_cut_anywhere() -> None:
    for at in range(1, len(STREAM)):
        assert read(STREAM[:at], STREAM[at:]) == READ


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_body_beyond_the_bound_is_announced_and_not_kept(size: int) -> None:
    body = b"x" * (BODY_MAX_BYTES + 1)
    length = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body)
    for said in (length, CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)):
        requests = reader()
        for at in range(0, len(said), size):
            requests.feed(said[at : at + size])
            if request := requests.next_request():
                break
        assert dict(request.headers)["CONTENT-LENGTH"] == str(len(body))
        assert request.body.read() == b""
        assert request.should_close()


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\nHost: a\n\n", CHUNKED + b"-1\r\n"])
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_what_is_no_request_is_refused_as_soon_as_that_is_known(
    said: bytes, size: int
) -> None:
    with pytest.raises((ParseException, ParseError)):
        requests = reader()
        for at in range(0, len(said), size):
            requests.feed(said[at : at + size])
            requests.next_request()


def test_paths_of_uploads_take_more() -> None:
    reader = RequestReader(Config(), ("127.0.0.1", 1), 10, {"/files": 20})
    body = b"x" * 20
    for path, read in ((b"/files?a=1", body), (b"/files/", b"")):
        head = b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n" % path
        reader.feed(head + body)
        request = reader.next_request()
        assert request is not None
        assert request.body.read() == read
