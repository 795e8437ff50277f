"""Bytes that are hardly HTTP, sent to the web server as it is served."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.launch.process_tree import eventually
from tests.processes import Program, free_port
from tests.valkey import Valkey

HEAD = b"Host: 127.0.0.1\r\nConnection: close\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
REQUESTS = [
    b"",
    b"\r\n\r\n\r\n",
    b"\0" * 100,
    b"GET",
    b"GET /\r\n\r\n",
    b"GET / HTTP/9.9\r\n" + HEAD + b"\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: [::1\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET /healthz HTTP/1.1\nHost: 127.0.0.1\n\n",
    b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n",
    b"GET /\xff\xfe%zz%00 HTTP/1.1\r\n" + HEAD + b"\r\n",
    b"GET http://evil.example/ HTTP/1.1\r\n" + HEAD + b"\r\n",
    b"GET //evil.example/%2e%2e HTTP/1.1\r\n" + HEAD + b"\r\n",
    b"GET /static/../../manage.py HTTP/1.1\r\n" + HEAD + b"\r\n",
    b"GET /static/%00 HTTP/1.1\r\n" + HEAD + b"\r\n",
    b"OPTIONS * HTTP/1.1\r\n" + HEAD + b"\r\n",
    b"CONNECT evil.example:443 HTTP/1.1\r\n" + HEAD + b"\r\n",
    b"G\0T / HTTP/1.1\r\n" + HEAD + b"\r\n",
    b"POST /send/ HTTP/1.1\r\n" + HEAD + b"Content-Length: abc\r\n\r\n",
    b"POST /send/ HTTP/1.1\r\n" + HEAD + b"Content-Length: -1\r\n\r\n",
    b"POST /send/ HTTP/1.1\r\n"
    + HEAD
    + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\naaaaa",
    b"POST /send/ HTTP/1.1\r\n" + HEAD + FORM + b"Content-Length: 99\r\n\r\ntext=a",
    b"POST /send/ HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /send/ HTTP/1.1\r\n"
    + HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    b"POST /send/ HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: x\r\n\r\n",
    b"POST / HTTP/1.1\r\n"
    + HEAD
    + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET",
    b"GET / HTTP/1.1\r\n" + HEAD + b"Cookie: " + b"a=b; " * 1500 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HEAD + b"Cookie: sessionid=\xff\x01; guest=\xfe:x\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HEAD + b"X: y\r\n" * 300 + b"\r\n",
    b"GET / HTTP/1.1\r\n" + HEAD + b"No colon\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HEAD + b"X_Forwarded_For: 1\r\nX: a\r\n b\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HEAD + b"Content-Type: a/b; charset=base64\r\n\r\n",
    b"GET /?a=b HTTP/1.1\r\n" + HEAD + b"Content-Type: a/b; charset*=x'y'idna\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HEAD + b"Expect: nothing\r\nUpgrade: h2c\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\nGET / HTTP/1.1\r\n\r\n",
]
#: What the server says of what it does not know to do.
UNABLE = {501, 505}


@pytest.fixture(scope="module")
def port(
    valkey_server: Valkey,
    migrated: Callable[[Path], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[int]:
    chosen = free_port()
    folder = tmp_path_factory.mktemp("malformed")
    environment = {"DATABASE_URL": migrated(folder / "db.sqlite3")}
    with Program(
        *("-m", "gunicorn", "--config", "python:launch.gunicorn_config"),
        "chatsite.wsgi:application",
        **{"PORT": str(chosen), "WEB_THREADS": "4", **environment},
    ) as web:
        eventually(lambda: _listens(chosen), 60, "nobody listens")
        yield chosen
        assert web.is_alive
        # What is refused may be logged with its trace; what failed is logged as this.
        for said in ("Internal Server Error", "Error handling request"):
            assert said not in web.log


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def answer_to(port: int, said: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as link:
        link.sendall(said)
        link.shutdown(socket.SHUT_WR)
        found = b""
        with suppress(ConnectionResetError):
            while part := link.recv(65_536):
                found += part
        return found


def test_nothing_that_is_hardly_http_fails_the_server(port: int) -> None:
    for said in REQUESTS:
        answer = answer_to(port, said)
        statuses = [
            int(found) for found in re.findall(rb"HTTP/1\.[01] (\d{3})", answer)
        ]
        assert all(status < 500 or status in UNABLE for status in statuses), (
            said[:200],
            answer[:400],
        )
    with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answered:
        assert answered.status == 200


def test_a_form_of_megabytes_is_refused_unread_and_not_echoed(port: int) -> None:
    """All of it is sent before the answer is read, which must not be lost for that."""
    form = b"text=" + b"secret+" * 600_000
    head = b"POST /send/ HTTP/1.1\r\n" + HEAD + FORM
    sent = answer_to(port, head + b"Content-Length: %d\r\n\r\n" % len(form) + form)
    assert b" 413 " in sent.splitlines()[0]
    assert b"Go back in your browser" in sent
    assert b"secret" not in sent
    assert len(sent) < 20_000


def chunked(target: bytes, kind: bytes, pieces: list[bytes]) -> bytes:
    """A request whose body comes in chunks, with a trailer behind them."""
    head = b"POST %b HTTP/1.1\r\n%bContent-Type: %b\r\n" % (target, HEAD, kind)
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    coded = b"Transfer-Encoding: chunked\r\n\r\n"
    return head + coded + body + b"0\r\nX-Trailer: y\r\n\r\n"


def test_a_body_in_chunks_is_read_up_to_the_limit(port: int) -> None:
    call = chunked(
        b"/api/v1/messages", b"application/json", [b'{"te', b'xt": ', b'"in pieces"}']
    )
    assert b" 202 " in answer_to(port, call).splitlines()[0]
    form = b"application/x-www-form-urlencoded"
    # Refused for want of a token, with the text kept: the form was read.
    sent = answer_to(port, chunked(b"/send/", form, [b"text=in+", b"pieces"]))
    assert b" 403 " in sent.splitlines()[0]
    assert b"in pieces</textarea>" in sent
    large = [b"text=", *([b"x" * 65_536] * 8)]
    assert b" 413 " in answer_to(port, chunked(b"/send/", form, large)).splitlines()[0]
    large = [b'{"text": "', *([b"x" * 65_536] * 8), b'"}']
    answer = answer_to(port, chunked(b"/api/v1/messages", b"application/json", large))
    assert b" 413 " in answer.splitlines()[0]
    assert b"too_large" in answer
