"""Clients that keep a web server waiting, of the kinds that attackers use.

Slowloris (unfinished heads), R-U-Dead-Yet (unfinished bodies) and slow reading, as in
https://github.com/shekyan/slowhttptest.

    python -m bench.slow_clients PORT COUNT ADDRESS…

Ends when its standard input ends, and prints how many connections were open then and
how often the server ended one. It runs in a process of its own, so that it does not
slow down the measurement.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from itertools import cycle
from typing import Any

#: A small receive buffer: the kernel keeps little for a client that does not read.
RECEIVE_BYTES = 4096
#: A client whose connection was ended connects again after this time.
AGAIN_SECONDS = 1.0
#: Together more than the kernel and the server buffer, but not a flood of requests.
UNREAD_ANSWERS = 50
HEAD = b"Host: 127.0.0.1\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
Link = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def silent(_writer: asyncio.StreamWriter) -> None:
    """Connect and send nothing."""


async def unfinished_head(writer: asyncio.StreamWriter) -> None:
    """Send half of the head of a request."""
    writer.write(b"GET / HTTP/1.1\r\n" + HEAD + b"X-Slow: ")


async def unfinished_body(writer: asyncio.StreamWriter) -> None:
    """Send a head and the beginning of the body that it announces."""
    head = b"POST /send/ HTTP/1.1\r\n" + HEAD + FORM + b"Content-Length: 20000\r\n\r\n"
    writer.write(head + b"text=")


async def byte_a_second(writer: asyncio.StreamWriter) -> None:
    """Send a body at one byte a second."""
    await unfinished_body(writer)
    while True:
        await asyncio.sleep(1)
        writer.write(b"a")
        await writer.drain()


async def never_reading(writer: asyncio.StreamWriter) -> None:
    """Ask for far more than the kernel buffers, and read none of it."""
    writer.transport.pause_reading()  # type: ignore[attr-defined]  # of a socket
    request = b"GET /static/chat.css HTTP/1.1\r\n" + HEAD + b"\r\n"
    writer.write(request * UNREAD_ANSWERS)


KINDS: dict[str, Callable[[asyncio.StreamWriter], Coroutine[Any, Any, None]]] = {
    "silent": silent,
    "head": unfinished_head,
    "body": unfinished_body,
    "byte a second": byte_a_second,
    "never reading": never_reading,
}


class Crowd:
    """Many slow clients, distributed evenly over the kinds and the addresses."""

    def __init__(self, port: int, addresses: Sequence[str]) -> None:
        self._port = port
        self._addresses = cycle(addresses)
        self._tasks: list[asyncio.Task[None]] = []
        self.open = 0
        #: How often the server ended a connection.
        self.closed = 0

    def start(self, count: int) -> None:
        """Start ``count`` clients."""
        kinds = cycle(KINDS)
        for _ in range(count):
            client = self._client(next(kinds), next(self._addresses))
            self._tasks.append(asyncio.create_task(client))

    async def stop(self) -> None:
        """Stop all clients."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _client(self, kind: str, address: str) -> None:
        while True:
            with suppress(OSError):
                await self._once(kind, address)
            await asyncio.sleep(AGAIN_SECONDS)

    async def _once(self, kind: str, address: str) -> None:
        reader, writer = await self._connect(address)
        self.open += 1
        behaviour = asyncio.create_task(KINDS[kind](writer))
        try:
            await self._until_closed(kind, reader, writer)
        finally:
            behaviour.cancel()
            with suppress(OSError, asyncio.CancelledError):
                await behaviour
            self.open -= 1
            writer.transport.abort()
        self.closed += 1

    async def _until_closed(
        self, kind: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if kind != "never reading":
            await reader.read()
            return
        # Only a read would notice the end, so ask the kernel instead.
        link = writer.get_extra_info("socket")
        while _is_up(link):  # noqa: ASYNC110  (the kernel sets no event)
            await asyncio.sleep(0.5)

    async def _connect(self, address: str) -> Link:
        link = socket.socket()
        link.setblocking(False)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        link.bind((address, 0))
        await asyncio.get_running_loop().sock_connect(link, ("127.0.0.1", self._port))
        return await asyncio.open_connection(sock=link)


#: ``tcpi_state`` is the first byte of ``struct tcp_info``; 1 is established.
ESTABLISHED = 1


def _is_up(link: socket.socket) -> bool:
    info = link.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
    return info[0] == ESTABLISHED


async def main(port: int, count: int, addresses: Sequence[str]) -> None:
    """Keep ``count`` clients connected until standard input ends; print the counts."""
    crowd = Crowd(port, addresses)
    crowd.start(count)
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps({"slow_open": crowd.open, "slow_closed": crowd.closed}))
    await crowd.stop()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
