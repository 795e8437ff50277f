"""Which addresses of the network the site calls for people: webhooks, push services.

A name is resolved once, and the call goes to the very address that was checked. So a
name that changes between check and call gains nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from django.conf import settings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

#: The only part of IPv6 from which public addresses are given to hosts. It leaves out
#: addresses that stand for others: mapped IPv4 and NAT64 (RFC 6052, RFC 8215).
GLOBAL_UNICAST = ip_network("2000::/3")
#: Public by the registry or by older versions of Python, and still not a stranger's
#: host.
REFUSED = tuple(
    map(
        ip_network,
        (
            "192.0.0.0/24",  # of protocols, and the data of Oracle's cloud
            "168.63.129.16/32",  # the host that Azure's machines run on
            *("192.88.99.0/24", "2002::/16"),  # 6to4 leads to any IPv4 address
            *("2001::/23", "3fff::/20"),  # of protocols, and documentation
        ),
    )
)
#: Further ports below 1024 belong to other protocols.
WEB_PORTS = (80, 443)
PRIVILEGED_PORTS = 1024


def is_public(address: Address) -> bool:
    """Whether this is an address of a single host on the public internet."""
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    if isinstance(address, IPv6Address) and address not in GLOBAL_UNICAST:
        return False
    return not is_in(address, REFUSED)


def is_in(address: Address, networks: Sequence[Network]) -> bool:
    """Whether one of the networks contains the address."""
    return any(address in network for network in networks)


@dataclass(frozen=True, slots=True)
class Reach:
    """Which addresses calls of one kind may have."""

    #: Networks that are allowed though they are not public, also by plain HTTP.
    private_networks: Sequence[Network] = ()
    #: Whether public addresses may be called by plain HTTP as well.
    is_plain_allowed: bool = False

    def allows(self, address: Address, scheme: str = "https") -> bool:
        """Whether a call by ``scheme`` may go to this address."""
        if is_in(address, self.private_networks):
            return True
        return is_public(address) and (scheme == "https" or self.is_plain_allowed)


def push_reach() -> Reach:
    """Which addresses a push service may have."""
    return Reach(settings.PUSH_PRIVATE_NETWORKS)


def webhook_reach() -> Reach:
    """Which addresses a webhook may have."""
    return Reach(settings.WEBHOOK_PRIVATE_NETWORKS, settings.WEBHOOK_HTTP)


def is_allowed(address: Address) -> bool:
    """Whether a webhook may reach this address."""
    return webhook_reach().allows(address)


def is_allowed_port(port: int) -> bool:
    """Whether a call may use this port."""
    return port in WEB_PORTS or PRIVILEGED_PORTS <= port <= 65_535


def resolve(host: str, port: int) -> list[Address]:
    """The addresses of a host, in the order of the system. Raises ``OSError``."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    # A scope, as in fe80::1%eth0, is only for addresses that are not allowed.
    words = (str(entry[4][0]).partition("%")[0] for entry in found)
    return list(dict.fromkeys(map(ip_address, words)))
