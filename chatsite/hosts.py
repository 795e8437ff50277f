"""Host names and addresses: where the site listens, and the names it answers to."""

from __future__ import annotations

import re
import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

ANY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
NUMERIC = re.compile(r"[0-9.]+|0[xX].*")
PORT = re.compile(r":[0-9]{1,5}")
DEFAULT_PORTS = {"http": 80, "https": 443}


def bind_address(raw: str) -> str:
    """Return an address or a name to listen on, without brackets.

    ``*`` is every address. Raises ``ValueError``, also for ``127.1``, which only
    some programs understand.
    """
    host = raw[1:-1] if raw.startswith("[") and raw.endswith("]") else raw
    if host == "*":
        return ANY_ADDRESS[0]
    try:
        return str(ip_address(host))
    except ValueError:
        if host != raw or NUMERIC.fullmatch(host) or not NAME.fullmatch(host):
            raise
    return host


def resolve(bind: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int]]:
    """Return the address to listen on. Raises ``OSError`` for an unknown name."""
    found = socket.getaddrinfo(
        bind, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    family, *_, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    zone = bind if "%" in bind else str(address[0])
    return family, (zone, port)


def listening(bind: str, port: int) -> str:
    """Return the address to listen on as gunicorn spells it; a name is resolved."""
    family, (host, _) = resolve(bind, port)
    return f"[{host}]:{port}" if family == socket.AF_INET6 else f"{host}:{port}"


def allowed_host(raw: str) -> str:
    """Return a host name in the form in which Django compares it, without a port.

    ``*`` and ``.example.org`` stay as they are. Raises ``ValueError``.
    """
    if raw == "*":
        return raw
    if re.fullmatch(r"\[[^]]*\](:[0-9]{1,5})?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:.*", raw):
        address = raw[1 : raw.index("]")] if raw.startswith("[") else raw
        return f"[{ip_address(address)}]"
    name = re.sub(rf"{PORT.pattern}$", "", raw).rstrip(".").lower()
    dot, bare = ("." if name.startswith(".") else ""), name.removeprefix(".")
    try:
        bare = bare.encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError(raw) from None
    if not NAME.fullmatch(bare):
        raise ValueError(raw)
    return dot + bare


def origin(raw: str) -> str:
    """Return an origin as a browser spells it: lower case, no default port, no slash.

    A host may begin with ``*.``, for all names below it. Raises ``ValueError``, also
    for a path or a query: an origin has none.
    """
    parts = urlsplit(raw.removesuffix("/"))
    if parts.scheme not in DEFAULT_PORTS or "@" in parts.netloc or parts.port == 0:
        raise ValueError(raw)
    if parts.path or "?" in raw or "#" in raw:
        raise ValueError(raw)
    below, star, name = parts.netloc.rpartition("*.")
    host = allowed_host(name)
    if below or host == "*" or host.startswith("."):
        raise ValueError(raw)
    is_default = parts.port in (None, DEFAULT_PORTS[parts.scheme])
    return f"{parts.scheme}://{star}{host}" + ("" if is_default else f":{parts.port}")


def allowed_hosts(bind: str) -> list[str]:
    """List the names under which a server bound to ``bind`` is reached by default."""
    if bind in (*ANY_ADDRESS, "[::]", "*"):
        return ["*"]
    return ["localhost", "127.0.0.1", "[::1]", allowed_host(bind)]
