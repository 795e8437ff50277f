"""The proxies that the site believes when they name a client's address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """Networks of proxies, and whether a socket file leads to one."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    is_unix_trusted: bool = False

    @classmethod
    def parse(cls, words: Sequence[str]) -> TrustedProxies:
        """Read addresses, networks and ``unix``. Raises ``ValueError``."""
        networks = tuple(ip_network(word) for word in words if word != "unix")
        return cls(networks, is_unix_trusted="unix" in words)
