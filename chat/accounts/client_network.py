"""The client's address and network, behind any number of trusted proxies.

An IPv4 address is a network of its own. An IPv6 network is a /64, because a provider
gives at least that to one line (RFC 6177).
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

Address = IPv4Address | IPv6Address

SALT = "chat.accounts.networks"
IPV6_PREFIX = 64
#: The network of clients without an address, which come through a socket file.
UNKNOWN = "unknown"
#: The most proxies in a row; a header that names more is made up.
HOPS_MAX = 20
#: Addresses in the memory of a process: each request has some of a few proxies.
ADDRESSES_KEPT = 1000


def client_address(request: HttpRequest) -> Address | None:
    """Return the first address, from the nearest on, that is not a trusted proxy's.

    None if the server listens on a socket file that is not trusted.
    """
    return _hops(request)[-1]


def count_trusted_hops(request: HttpRequest) -> int:
    """Count the trusted proxies in a row, from the nearest on."""
    return sum(_is_trusted(hop) for hop in _hops(request))


def is_from_trusted_proxy(request: HttpRequest) -> bool:
    """Whether the nearest hop is a trusted proxy."""
    return _is_trusted(_parse_address(request.META.get("REMOTE_ADDR", "")))


def network_of(address: Address) -> str:
    """Return the network of an address: ``203.0.113.7`` or ``2001:db8:0:1::/64``."""
    if isinstance(address, IPv6Address):
        return str(ip_network((address, IPV6_PREFIX), strict=False))
    return str(address)


def network_digest(request: HttpRequest) -> str:
    """Return a digest of the client's network, keyed by ``SECRET_KEY``.

    All clients without a known address share one network. If each had its own, a
    private window would be enough to get every limit afresh.
    """
    address = client_address(request)
    network = UNKNOWN if address is None else network_of(address)
    keyed = salted_hmac(SALT, network, algorithm="sha256")
    return keyed.hexdigest()[:32]


def _hops(request: HttpRequest) -> list[Address | None]:
    """The addresses from the nearest on, up to the first that is not trusted."""
    hops = [_parse_address(request.META.get("REMOTE_ADDR", ""))]
    listed = request.headers.get("X-Forwarded-For", "").split(",")
    for text in listed[::-1][:HOPS_MAX]:
        if not _is_trusted(hops[-1]):
            break
        address = _parse_address(text)
        if address is None:  # a trusted proxy sent something else than an address
            break
        hops.append(address)
    return hops


@lru_cache(ADDRESSES_KEPT)
def _parse_address(raw: str) -> Address | None:
    """Parse an address with or without brackets, port and zone."""
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
    """A connection through a socket file, without address, is trusted as ``unix``."""
    if address is None:
        return settings.TRUSTED_PROXIES.is_unix_trusted
    return any(address in network for network in settings.TRUSTED_PROXIES.networks)
