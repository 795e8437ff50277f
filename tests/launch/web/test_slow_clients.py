"""No client keeps another waiting: deadlines, bounds, and threads that go on."""

from __future__ import annotations

import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from tests.launch.web.server import Served, is_closed, request, serving, whole

CROWD = 40
PART_OF_HEAD = b"GET /told HTTP/1.1\r\nX-Slow: "
PART_OF_BODY = request("/told", body=b"x" * 1000)[:-990]
#: More than the kernel keeps for a client that reads nothing.
UNREAD = request("/page/900000") * 20
KINDS = {
    "silent": b"",
    "head": PART_OF_HEAD,
    "body": PART_OF_BODY,
    "chunks": b"POST /told HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    "never reading": UNREAD,
    "download": request("/large/50000000"),
}


@pytest.fixture(scope="module")
def patient() -> Iterator[Served]:
    """A server without deadlines to speak of, and with two threads."""
    with serving() as served:
        yield served


@pytest.fixture(scope="module")
def hasty() -> Iterator[Served]:
    """A server that gives its clients one second for everything."""
    names = ("IDLE", "HEAD", "BODY", "SEND")
    with serving(**{f"WEB_{name}_SECONDS": "1" for name in names}) as served:
        yield served


@pytest.mark.parametrize("kind", KINDS)
def test_slow_clients_hold_up_nobody(patient: Served, kind: str) -> None:
    crowd = [patient.connect(KINDS[kind], receive=4096) for _ in range(CROWD)]
    for _ in range(5):
        patient.get()
    for link in crowd:
        link.close()


@pytest.mark.parametrize("said", [PART_OF_HEAD, PART_OF_BODY, KINDS["chunks"]])
def test_a_request_that_takes_too_long_is_told_so(hasty: Served, said: bytes) -> None:
    told = whole(hasty.connect(said))
    assert told.startswith(b"HTTP/1.1 408 ")
    assert b"content-security-policy" in told.lower()


def test_a_byte_now_and_then_does_not_move_a_deadline(
    hasty: Served, until: Callable[..., None]
) -> None:
    link = hasty.connect(PART_OF_BODY)

    until(lambda: _is_told(link), 20)


def _is_told(link: socket.socket) -> bool:
    with suppress(OSError):
        link.sendall(b"x")
    link.settimeout(0.2)
    try:
        return link.recv(4096).startswith(b"HTTP/1.1 408 ")
    except TimeoutError:
        return False


def test_a_connection_without_a_request_ends_silently(hasty: Served) -> None:
    assert whole(hasty.connect()) == b""
    kept = hasty.connect(request("/told"))
    assert whole(kept).count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("said", [UNREAD, KINDS["download"]])
def test_a_client_that_takes_nothing_is_dropped(
    hasty: Served, until: Callable[..., None], said: bytes
) -> None:
    link = hasty.connect(said, receive=4096)
    # Known without reading: the kernel is told that the other side is gone.
    until(lambda: not _is_established(link))
    assert len(whole(link)) < 18_000_000


def _is_established(link: socket.socket) -> bool:
    return link.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == b"\x01"


def test_a_client_that_reads_slowly_gets_all(hasty: Served) -> None:
    """A download that is larger than all buffers, at the pace of its reader."""
    size = 12_000_000 // 8192 * 8192
    link = hasty.connect(request(f"/large/{size}", b"Connection: close\r\n"))
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    link.settimeout(20)
    found = 0
    while part := link.recv(65_536):
        found += len(part)
        if found % 7 == 0:
            hasty.get()
    assert found > size


def test_a_new_connection_ends_the_oldest_of_its_network() -> None:
    with serving(WEB_CONNECTIONS_PER_NETWORK="5") as served:
        elsewhere = served.connect(source="127.0.0.2")
        first = [served.connect() for _ in range(5)]
        second = [served.connect(PART_OF_HEAD) for _ in range(5)]
        served.get()
        assert all(is_closed(link) for link in first)
        assert [is_closed(link) for link in second] == [True, *[False] * 4]
        served.get(source="127.0.0.2")
        assert not is_closed(elsewhere)


def test_a_request_that_is_whole_is_never_ended_for_another() -> None:
    with serving(WEB_CONNECTIONS_PER_NETWORK="2", WEB_THREADS="3") as served:
        gate = served.folder / "open"
        close = b"Connection: close\r\n"
        waiting = [served.connect(request(f"/wait{gate}", close)) for _ in range(2)]
        refused = whole(served.connect(request("/told")))
        assert refused.startswith(b"HTTP/1.1 429 ")
        assert b"Retry-After" in refused
        served.get(source="127.0.0.2")
        gate.touch()
        for link in waiting:
            assert whole(link).startswith(b"HTTP/1.1 200")


def test_proxies_count_for_no_network() -> None:
    bounds = {"WEB_CONNECTIONS_PER_NETWORK": "2", "WEB_CONNECTIONS": "20"}
    with serving(TRUSTED_PROXIES="127.0.0.1", **bounds) as served:
        links = [served.connect() for _ in range(10)]
        served.get()
        assert not any(is_closed(link) for link in links)
        # The bound of all connections holds for them too.
        more = [served.connect() for _ in range(30)]
        served.get()
        assert all(is_closed(link) for link in links)
        assert not is_closed(more[-1])


def test_a_process_without_free_files_ends_what_waits() -> None:
    with serving() as served:
        worker = served.get()["pid"]
        is_open = 60
        _, hard = resource.prlimit(worker, resource.RLIMIT_NOFILE)
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (is_open, hard))
        links = [served.connect() for _ in range(2 * is_open)]
        assert served.get()["pid"] == worker
        assert is_closed(links[0])


def test_what_is_kept_for_slow_clients_is_bounded(until: Callable[..., None]) -> None:
    with serving(WEB_BUFFER_MB="1", BODY_MAX_BYTES="1000000") as served:
        body = request("/told", body=b"x" * 900_000)[:-1]
        first = served.connect(body)
        served.get()
        kept = [served.connect(said) for said in (request("/page/900000"), body)]
        until(lambda: is_closed(first))
        served.get()
        assert any(not is_closed(link) for link in kept)
