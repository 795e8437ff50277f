"""Answers that wait without a thread."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.launch.web.server import (
    Served,
    answers,
    is_closed,
    request,
    serving,
    whole,
)

#: The server has two threads.
MANY = 40


@pytest.fixture(scope="module")
def shared() -> Iterator[Served]:
    with serving() as served:
        yield served


def write_at_once(file: Path, content: bytes) -> None:
    """A reader never sees it empty, or a part of it."""
    beside = file.with_suffix(".new")
    beside.write_bytes(content)
    beside.replace(file)


def _counts(served: Served) -> dict[str, int]:
    return served.get("/gone")


def _until_parked(served: Served, count: int, until: Callable[..., None]) -> None:
    until(lambda: _counts(served)["waiting"] == count)


def _receive(link: socket.socket, part: bytes) -> bytes:
    """Receive until this part has come; return everything."""
    found = b""
    while part not in found:
        found += link.recv(65_536)
    return found


def test_streams_take_no_thread(shared: Served, until: Callable[..., None]) -> None:
    text, before = shared.folder / "text", _counts(shared)
    links = [shared.connect(request(f"/stream{text}")) for _ in range(MANY)]
    for link in links:
        assert b"Transfer-Encoding: chunked" in _receive(link, b"\r\n\r\n")
    _until_parked(shared, before["waiting"] + MANY, until)
    write_at_once(text, b"one ")
    for link in links:
        assert b"one " in _receive(link, b"one ")
    assert shared.get()["body"] == ""
    write_at_once(text, b"one two.")
    for link in links:
        assert b"two." in _receive(link, b"0\r\n\r\n")
    # Each connection takes another request.
    for link in links:
        link.sendall(request("/told"))
        assert len(answers(link, 1)) == 1


def test_a_whole_answer_that_comes_later_takes_no_thread(shared: Served) -> None:
    gate = shared.folder / "open"
    links = [
        shared.connect(request(f"/later{gate}", body=b"a body")) for _ in range(MANY)
    ]
    assert shared.get()["body"] == ""
    assert not any(map(is_closed, links))
    write_at_once(gate, b"here it is")
    for link in links:
        assert answers(link, 1) == [b"here it is"]


def test_a_request_sent_early_is_answered_after_the_stream(shared: Served) -> None:
    text = shared.folder / "early"
    link = shared.connect(request(f"/stream{text}") + request("/told?second"))
    _receive(link, b"\r\n\r\n")
    write_at_once(text, b"all.")
    rest = _receive(link, b"second")
    assert rest.index(b"all.") < rest.index(b"0\r\n\r\n") < rest.index(b"second")


def test_a_client_that_hangs_up_is_noticed(
    shared: Served, until: Callable[..., None]
) -> None:
    before = _counts(shared)
    never = shared.folder / "never"
    kinds = ("stream", "later")
    links = [shared.connect(request(f"/{kind}{never}")) for kind in kinds]
    _until_parked(shared, before["waiting"] + 2, until)
    for link in links:
        link.close()
    until(lambda: _counts(shared)["gone"] == before["gone"] + 2)


def test_a_client_that_reads_nothing_is_cut(
    shared: Served, until: Callable[..., None]
) -> None:
    before = _counts(shared)
    text = shared.folder / "large"
    write_at_once(text, b"x" * 8_000_000)
    shared.connect(request(f"/stream{text}"), receive=4096)
    until(lambda: _counts(shared)["gone"] == before["gone"] + 1)


def test_a_process_that_ends_interrupts_them(until: Callable[..., None]) -> None:
    with serving() as served:
        never = served.folder / "never"
        stream = served.connect(request(f"/stream{never}"))
        later = served.connect(request(f"/later{never}"))
        _receive(stream, b"\r\n\r\n")
        _until_parked(served, 2, until)
        served.program.process.terminate()
        assert b"interrupted" in whole(stream)
        assert whole(later).endswith(b"ended")
        assert served.program.process.wait(20) == 0


def test_there_is_room_for_so_many(until: Callable[..., None]) -> None:
    with serving(WEB_PARKED="3") as served:
        never = served.folder / "never"
        path = f"/stream{never}"
        for _ in range(3):
            served.connect(request(path))
        _until_parked(served, 3, until)
        refused = served.connect(request(path, b"Connection: close\r\n"))
        assert whole(refused).startswith(b"HTTP/1.1 503")
