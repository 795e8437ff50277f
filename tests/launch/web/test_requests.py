"""What reaches the application, and what the client is told, whatever the way."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.launch.web.server import HOST, Served, answers, request, serving, whole

CLOSE = b"Connection: close\r\n"
CHUNKED = b"POST /told HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n"
LARGE = 8_000_000


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as started:
        yield started


def body_of(answer: bytes) -> dict[str, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), answer
    return dict(json.loads(body))


def test_requests_that_come_at_once_are_answered_in_turn(served: Served) -> None:
    said = [request(f"/told?{number}", body=b"b" * number) for number in range(20)]
    found = [json.loads(one) for one in answers(served.connect(b"".join(said)), 20)]
    assert [one["query"] for one in found] == [str(number) for number in range(20)]
    assert [len(one["body"]) for one in found] == list(range(20))


def test_a_request_that_comes_before_an_answer_is_answered_after_it(
    served: Served,
) -> None:
    gate = served.folder / "open"
    link = served.connect(request("/told?0"))
    found = answers(link, 1)
    for said in (request(f"/wait{gate}?1"), request("/told?2")):
        link.sendall(said)
        served.get()  # by now what was sent before has been read
    gate.touch()
    found += answers(link, 2)
    assert [json.loads(one)["query"] for one in found] == ["0", "1", "2"]


def test_a_request_may_come_byte_by_byte(served: Served) -> None:
    for said in (request("/told", CLOSE, b"a body"), chunked(CLOSE, b"a b", b"ody")):
        link = served.connect()
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for place in range(len(said)):
            link.send(said[place : place + 1])
        assert body_of(whole(link))["body"] == "a body"


def chunked(more: bytes, *pieces: bytes) -> bytes:
    coded = b"".join(b"%x;x=y\r\n%b\r\n" % (len(one), one) for one in pieces)
    return CHUNKED + more + b"\r\n" + coded + b"0\r\nX-Trailer: z\r\n\r\n"


def test_chunks_reach_the_application_as_one_body(served: Served) -> None:
    said = chunked(b"", b"in ", b"pieces") + request("/told?next")
    first, second = (json.loads(one) for one in answers(served.connect(said), 2))
    assert first["body"] == "in pieces"
    assert first["CONTENT_LENGTH"] == "9"
    assert first["HTTP_TRANSFER_ENCODING"] is None
    assert second["query"] == "next"


@pytest.mark.parametrize(
    "broken",
    [
        CHUNKED + b"\r\n5\r\nabcdefgh",
        CHUNKED + b"\r\nxyz\r\n",
        CHUNKED + b"\r\n 5\r\nabcde\r\n",
        CHUNKED + b"\r\n0\r\nHost: other\r\n\r\n",
        CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n",
        CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /told HTTP/1.1\nHost: a\n\n",
        b"GET /told HTTP/1.1\r\nHost: a\n",
    ],
)
def test_what_two_servers_could_read_differently_is_refused(
    served: Served, broken: bytes
) -> None:
    link = served.connect(broken)
    told = whole(link)
    assert told.startswith(b"HTTP/1.1 400 ")
    assert told.count(b"HTTP/1.1") == 1


def test_a_head_without_an_end_is_refused(served: Served) -> None:
    endless = b"GET /told HTTP/1.1\r\n" + b"X-More: abcdef\r\n" * 6000
    assert whole(served.connect(endless)).startswith(b"HTTP/1.1 431 ")
    assert whole(served.connect(b"G" * 70_000)).startswith(b"HTTP/1.1 414 ")


def with_cookies(*values: bytes) -> bytes:
    return request("/told", CLOSE + b"".join(b"Cookie: %b\r\n" % v for v in values))


def test_cookies_of_other_applications_are_taken_up_to_64_kib(served: Served) -> None:
    assert body_of(whole(served.connect(with_cookies(b"a=" + b"x" * 65_000))))


@pytest.mark.parametrize(
    ("cookies", "status"),
    [
        ((b"a=" + b"x" * 65_600,), 431),
        ((b"a=" + b"x" * 400_000,), 431),
        ((b"a=" + b"x" * 9_000,) * 8, 431),
        ((b"c=1",) * 200, 431),
        ((b"a=secret\x01words",), 400),
        ((b"a=secret\x7fwords",), 400),
    ],
    ids=["one", "endless", "together", "many", "control", "delete"],
)
def test_a_page_says_that_cookies_are_in_the_way(
    served: Served, cookies: tuple[bytes, ...], status: int
) -> None:
    told = whole(served.connect(with_cookies(*cookies)))
    head, _, page = told.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"Content-Type: text/html" in head and b"Connection: close" in head
    assert b"Delete the other" in page and b"guest_" in page
    assert page.endswith(b"</html>\n") and b"secret" not in page


def test_another_bad_header_is_no_matter_of_cookies(served: Served) -> None:
    told = whole(served.connect(request("/told", b"X-More: a\x01b\r\n")))
    assert told.startswith(b"HTTP/1.1 400 ") and b"cookies" not in told


def test_half_a_body_never_reaches_the_application(served: Served) -> None:
    """A form cut short would be a message cut short."""
    for said in (
        request("/told", CLOSE, b"text=whole")[:-5],
        CHUNKED + b"\r\n3\r\nabc",
    ):
        link = served.connect(said)
        link.shutdown(socket.SHUT_WR)
        assert whole(link).startswith(b"HTTP/1.1 400 ")


def test_a_client_may_end_its_side_after_a_request(served: Served) -> None:
    link = served.connect(request("/told", body=b"a body"))
    link.shutdown(socket.SHUT_WR)
    assert body_of(whole(link))["body"] == "a body"


def test_a_large_body_is_refused_while_it_is_sent(served: Served) -> None:
    """The client sends all of it and still gets its answer, not a reset."""
    link = served.connect(request("/told", body=b"x" * LARGE))
    answer = whole(link)
    told = body_of(answer)
    assert (told["body"], told["CONTENT_LENGTH"]) == ("", str(LARGE))
    assert b"Connection: close" in answer
    told = body_of(whole(served.connect(chunked(b"", b"x" * LARGE))))
    assert told["body"] == ""
    assert int(told["CONTENT_LENGTH"]) > 257_536


def test_the_answer_to_a_large_body_does_not_wait_for_it(served: Served) -> None:
    head = b"POST /told HTTP/1.1\r\nContent-Length: 1000000000\r\n"
    for expected in (b"", b"Expect: 100-continue\r\n"):
        link = served.connect(head + HOST + expected + b"\r\n" + b"text=a")
        assert body_of(whole(link))["body"] == ""


def test_a_body_is_asked_for_where_the_client_waits(served: Served) -> None:
    expected = request("/told", CLOSE + b"Expect: 100-continue\r\n", b"a body")
    link = served.connect(expected[:-6])
    assert link.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    link.sendall(b"a body")
    assert body_of(whole(link))["body"] == "a body"
    # With the body there nothing is asked for.
    assert body_of(whole(served.connect(expected)))["body"] == "a body"


def test_an_old_client_gets_one_answer(served: Served) -> None:
    link = served.connect(b"GET /told HTTP/1.0\r\n\r\n")
    assert whole(link).count(b"HTTP/1.0 200") == 1


def test_what_fails_in_the_application_says_nothing_of_it(served: Served) -> None:
    told = whole(served.connect(request("/fail")))
    assert told.startswith(b"HTTP/1.1 500 ")
    assert b"secret words" not in told


def test_the_address_of_a_client_is_that_of_its_connection(served: Served) -> None:
    assert served.get(source="127.0.0.7")["REMOTE_ADDR"] == "127.0.0.7"


def test_a_socket_file_has_no_address(
    tmp_path: Path, until: Callable[..., None]
) -> None:
    path = tmp_path / "web.sock"
    with serving("--bind", f"unix:{path}"), socket.socket(socket.AF_UNIX) as link:
        until(lambda: link.connect_ex(str(path)) == 0, 60)
        link.sendall(request("/told", CLOSE, b"a body"))
        told = body_of(whole(link))
    assert (told["REMOTE_ADDR"], told["body"]) == ("", "a body")
