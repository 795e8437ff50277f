"""The connections of one web process, and which one is closed for a new one."""

from __future__ import annotations

import socket
import struct
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from enum import Enum, auto
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from launch.web.request_reader import RequestReader
from launch.web.response_buffer import ResponseBuffer

#: Close at once and discard what is not sent (``struct linger``: on, 0 seconds).
WITHOUT_LINGERING = struct.pack("ii", 1, 0)
#: One home or office gets a whole network of this size.
IPV6_PREFIX = 64


class State(Enum):
    """What a connection waits for."""

    #: The first byte of a request.
    IDLE = auto()
    #: The rest of a head.
    HEAD = auto()
    #: The rest of a body.
    BODY = auto()
    #: A thread has the request or will get it.
    WORK = auto()
    #: The answer is not known yet, or not all of it, and no thread is busy with it.
    PARKED = auto()
    #: The client has to receive the rest of its answer.
    SENDING = auto()
    #: The client has to finish sending, and what it sends is discarded. It could lose
    #: its answer if the server closed with unread bytes (RFC 9112, section 9.6).
    LINGERING = auto()


AWAITS_ANSWER = {State.WORK, State.PARKED}


class Connection:
    """One client. gunicorn reads the attributes ``sock``, ``client`` and ``server``."""

    def __init__(
        self,
        link: socket.socket,
        client: Any,
        server: Any,
        network: str,
        reader: RequestReader,
        response: ResponseBuffer,
    ) -> None:
        self.link = link
        self.client = client
        self.server = server
        self.network = network
        self.reader = reader
        self.sock = response
        #: The event loop sets it when it first waits for the client.
        self.state = State.WORK
        #: When the client last completed a step, by the monotonic clock.
        self.since = time.monotonic()
        self.deadline = self.since
        #: Bytes sent or discarded since the deadline was set.
        self.passed_bytes = 0
        #: The events for which the main loop's selector watches it.
        self.events = 0
        self.stays_open = True

    def held_bytes(self) -> int:
        """Return the bytes of an incomplete request and of an unsent answer."""
        if self.state is State.WORK:
            return 0
        return len(self.reader) + len(self.sock)

    def close(self) -> None:
        """Close. The kernel discards the rest of an answer that is cut short."""
        if self.state is State.SENDING or self.sock.has_failed:
            option = (socket.SOL_SOCKET, socket.SO_LINGER, WITHOUT_LINGERING)
            with suppress(OSError):
                self.link.setsockopt(*option)
        self.link.close()


class Connections:
    """All open connections, by network: at most ``most_of_network`` of each.

    Clients to which this limit does not apply have an empty string as their network.
    """

    def __init__(self, most_of_network: int) -> None:
        self._most_of_network = most_of_network
        self._by_network: defaultdict[str, set[Connection]] = defaultdict(set)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Connection]:
        for members in list(self._by_network.values()):
            yield from list(members)

    def __contains__(self, connection: Connection) -> bool:
        return connection in self._by_network.get(connection.network, ())

    def add(self, connection: Connection) -> None:
        """Add a connection."""
        self._by_network[connection.network].add(connection)
        self._count += 1

    def remove(self, connection: Connection) -> None:
        """Remove a connection. Raises ``KeyError`` if it is not here."""
        members = self._by_network[connection.network]
        members.remove(connection)
        self._count -= 1
        if not members:
            del self._by_network[connection.network]

    def is_full_for(self, network: str) -> bool:
        """Return whether a network has as many connections as it may."""
        count = len(self._by_network.get(network, ()))
        return bool(network) and count >= self._most_of_network

    def of(self, network: str) -> Iterable[Connection]:
        """Return the connections of a network."""
        return self._by_network.get(network, ())

    def expired(self, now: float) -> Iterator[Connection]:
        """Yield those whose deadline has passed, unless they wait for their answer."""
        for connection in self:
            if connection.state is State.WORK or connection.deadline > now:
                continue
            if connection.state is State.PARKED and not len(connection.sock):
                continue
            yield connection

    def over_budget(self, budget_bytes: int) -> Iterator[Connection]:
        """Yield the oldest of those that buffer, while all together exceed a budget."""
        holding = [one for one in self if one.held_bytes()]
        excess = sum(map(Connection.held_bytes, holding)) - budget_bytes
        for connection in sorted(holding, key=lambda one: one.since):
            if excess <= 0:
                return
            excess -= connection.held_bytes()
            yield connection


def oldest(connections: Iterable[Connection]) -> Connection | None:
    """Return the connection to close first: a lingering one, otherwise the oldest.

    A connection whose request is whole is never returned: it will be answered.
    """
    waiting = [one for one in connections if one.state not in AWAITS_ANSWER]
    return min(waiting, key=_close_order, default=None)


def _close_order(connection: Connection) -> tuple[bool, float]:
    return connection.state is not State.LINGERING, connection.since


def network_of(client: Any, proxies: Iterable[IPv4Network | IPv6Network]) -> str:
    """Return the address (of IPv6 its /64), or nothing for a proxy or socket file."""
    address = address_of(client)
    if address is None or any(address in network for network in proxies):
        return ""
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, IPV6_PREFIX), strict=False))
    return str(address)


def address_of(client: Any) -> IPv4Address | IPv6Address | None:
    """Return the address of a peer of ``accept``; None for a socket file."""
    if not isinstance(client, tuple):
        return None
    address = ip_address(client[0].partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
