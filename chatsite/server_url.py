"""URLs of servers, read strictly: ambiguous ones are refused, and never repeated.

A password with an unquoted ``/``, ``#`` or ``?`` ends a URL's host early: a piece of it
becomes a port, a path or an option. So no error message contains a part of the URL.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import (
    SplitResult,
    parse_qsl,
    quote,
    unquote,
    unquote_to_bytes,
    urlsplit,
)

HOST = re.compile(r"[\w.-]+")
IPV6 = re.compile(r"[0-9A-Fa-f:.]+(%[\w.-]+)?")
PORT_MAX = 65_535
SHOWN_MAX = 80


class BadUrl(ValueError):
    """A URL is invalid. The message says why and contains no part of the URL."""


@dataclass(frozen=True, slots=True)
class ServerUrl:
    """The parts of a URL. User and password are decoded, the path is not."""

    scheme: str
    username: str = ""
    password: str = ""
    #: Each host with its port. A plus sign stays a plus sign.
    hosts: tuple[tuple[str, int | None], ...] = ()
    path: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(
        cls,
        raw: str,
        schemes: Collection[str],
        options: Collection[str] | None = None,
        *,
        is_host_folder_allowed: bool = False,
    ) -> ServerUrl:
        """Parse a URL with one of these schemes. Raises ``BadUrl``.

        ``options`` are the option names that may follow ``?``; None allows all. With
        ``is_host_folder_allowed`` a host may be the quoted folder of a socket.
        """
        parts = _split(raw)
        if parts.scheme not in schemes or "://" not in raw:
            raise BadUrl(
                "it must begin with " + " or ".join(f"{s}://" for s in schemes)
            )
        if "@" in parts.path + parts.query or "#" in raw:
            raise BadUrl(
                "in a user, a password or a path, write @ as %40, / as %2F, # as %23 "
                "and ? as %3F"
            )
        if "%00" in raw:
            raise BadUrl("no part of it can hold a NUL byte, %00")
        login, _, hosts = parts.netloc.rpartition("@")
        username, _, password = login.partition(":")
        url = cls(
            scheme=parts.scheme,
            username=decoded(username),
            password=decoded(password),
            hosts=tuple(_host(one) for one in hosts.split(",")) if hosts else (),
            path=parts.path,
            options=_options(parts.query, options),
        )
        if not is_host_folder_allowed and any("/" in host for host, _ in url.hosts):
            raise BadUrl("its host is no name and no address")
        return url


def shown(value: str) -> str:
    """Return the value of a setting as far as a message may show it.

    A URL is reduced to its scheme, a long value is cut.
    """
    safe = re.sub(r"://.+", "://…", value)
    return safe if len(safe) <= SHOWN_MAX else f"{safe[:SHOWN_MAX]}…"


def passwords_in(*urls: str) -> set[str]:
    """Return the passwords in these URLs: quoted, unquoted and as they are written."""
    found = {urlsplit(url).password or "" for url in urls}
    spellings = {
        spelling
        for password in found
        for spelling in (password, unquote(password), quote(unquote(password), ""))
    }
    return spellings - {""}


def _split(raw: str) -> SplitResult:
    try:
        return urlsplit(raw)
    except ValueError:
        raise BadUrl("its brackets are not those of an IPv6 address") from None


def decoded(text: str) -> str:
    """Decode the percent signs of a part. Raises ``BadUrl``."""
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise BadUrl("what %XX stands for must be UTF-8") from None


def decoded_path(text: str) -> str:
    """Decode the name of a file, whose bytes need not be UTF-8."""
    return os.fsdecode(unquote_to_bytes(text.encode()))


def _host(text: str) -> tuple[str, int | None]:
    found = re.fullmatch(
        r"(\[(?P<v6>[^]]*)\]|(?P<name>[^:\[\]]*))(:(?P<port>.*))?", text
    )
    if found is None:
        raise BadUrl("an IPv6 address is written in brackets, [::1]")
    name, v6, port = found["name"], found["v6"], found["port"]
    # The percent sign before a zone is quoted: RFC 6874.
    host = v6.replace("%25", "%", 1) if v6 is not None else decoded(name or "")
    is_socket = host.startswith("/")
    form = IPV6 if v6 is not None else HOST
    if host and not is_socket and not form.fullmatch(host):
        raise BadUrl("its host is no name and no address")
    return host, _port(port)


def _port(text: str | None) -> int | None:
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) <= PORT_MAX:
        raise BadUrl(
            f"its port must be a number from 1 to {PORT_MAX} "
            "(in a password, write / as %2F, : as %3A, # as %23)"
        )
    return int(text)


def _options(query: str, known: Collection[str] | None) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            query,
            keep_blank_values=True,
            strict_parsing=bool(query),
            errors="strict",
        )
    except UnicodeDecodeError:
        raise BadUrl("what %XX stands for must be UTF-8") from None
    except ValueError:
        raise BadUrl("what follows ? must be name=value") from None
    names = [name for name, _ in pairs]
    if known is not None and not set(names) <= set(known):
        listed = ", ".join(known) or "none"
        raise BadUrl(f"of the options after ? it knows: {listed}")
    if len(names) != len(set(names)):
        raise BadUrl("an option stands there twice")
    return dict(pairs)
