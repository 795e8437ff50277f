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
#: The network of whoever has no address: it came through a socket file.
UNKNOWN = "unknown"
#: Proxies in a row of which more are told only by somebody who makes them up.
HOPS_MAX = 20


def address_of(request: HttpRequest) -> Address | None:
    """Who asks: the first address, from the nearest on, that no trusted proxy has.

    None where the server listens on a socket file that nobody trusts.
    """
    return _hops(request)[-1]


def trusted_hops(request: HttpRequest) -> int:
    """How many proxies in a row, from the nearest on, are trusted."""
    return sum(_is_trusted(hop) for hop in _hops(request))


def is_from_proxy(request: HttpRequest) -> bool:
    """Whether the nearest hop is one whose word on a request is taken."""
    return _is_trusted(_address(request.META.get("REMOTE_ADDR", "")))


def network_of(address: Address) -> str:
    """What counts as one network: ``203.0.113.7`` or ``2001:db8:0:1::/64``."""
    if isinstance(address, IPv6Address):
        return str(ip_network((address, IPV6_PREFIX), strict=False))
    return str(address)


def network_digest(request: HttpRequest) -> str:
    """The same for every request of one network, and telling nothing of it without
    ``SECRET_KEY``.

    Where the address is not known, all count as one network: were each of them one of
    their own, a private window would be enough to have everything anew.
    """
    address = address_of(request)
    network = UNKNOWN if address is None else network_of(address)
    keyed = salted_hmac(SALT, network, algorithm="sha256")
    return keyed.hexdigest()[:32]


def _hops(request: HttpRequest) -> list[Address | None]:
    """The addresses from the nearest on, up to the first that is not trusted."""
    hops = [_address(request.META.get("REMOTE_ADDR", ""))]
    said = request.headers.get("X-Forwarded-For", "").split(",")
    for told in said[::-1][:HOPS_MAX]:
        if not _is_trusted(hops[-1]):
            break
        address = _address(told)
        if address is None:  # what a trusted proxy says is no address
            break
        hops.append(address)
    return hops


def _address(raw: str) -> Address | None:
    """What a server or a proxy says, with or without brackets, port and zone."""
    raw = raw.strip()
    if raw.startswith("["):
        raw = raw[1:].partition("]")[0]
    elif raw.count(":") == 1:
        raw = raw.partition(":")[0]
    try:
        address = ip_address(raw.partition("%")[0])
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
