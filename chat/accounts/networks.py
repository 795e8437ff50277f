"""The network a request comes from, behind as many proxies as are trusted.

An IPv4 address is a network of its own; of IPv6, where one line is given a whole /64,
that is one (RFC 6177).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

Address = IPv4Address | IPv6Address

SALT = "chat.accounts.networks"
IPV6_PREFIX = 64
#: Proxies in a row of which more are told only by somebody who makes them up.
HOPS_MAX = 20


def address_of(request: HttpRequest) -> Address | None:
    """Who asks: the first address, from the nearest on, that no trusted proxy has.

    None where the server listens on a socket file that nobody trusts.
    """
    said = request.headers.get("X-Forwarded-For", "").split(",")
    hops = [request.META.get("REMOTE_ADDR", ""), *reversed(said)][:HOPS_MAX]
    found = None
    for hop in hops:
        address = _address(hop)
        if address is None and hop:  # what a trusted proxy says is no address
            return found
        if address is not None:
            found = address
        if not _is_trusted(address):
            return found
    return found


def network_of(address: Address) -> str:
    """What counts as one network: ``203.0.113.7`` or ``2001:db8:0:1::/64``."""
    if isinstance(address, IPv6Address):
        return str(ip_network((address, IPV6_PREFIX), strict=False))
    return str(address)


def network_digest(request: HttpRequest) -> str:
    """The same for every request of one network, and telling nothing of it without
    ``SECRET_KEY``; empty where there is none."""
    address = address_of(request)
    if address is None:
        return ""
    keyed = salted_hmac(SALT, network_of(address), algorithm="sha256")
    return keyed.hexdigest()[:32]


def _address(raw: str) -> Address | None:
    try:
        address = ip_address(raw.strip().removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _is_trusted(address: Address | None) -> bool:
    """A socket file (no address) is trusted as ``unix``."""
    if address is None:
        return settings.TRUSTED_PROXIES.is_unix_trusted
    return any(address in network for network in settings.TRUSTED_PROXIES.networks)
