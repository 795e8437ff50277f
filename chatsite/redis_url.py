"""REDIS_URL, parsed once for the mailbox and for Celery's broker.

redis-py and kombu read the same URL differently: one ignores a database that is not a
number, the other ignores ``?db=``. So neither of them gets the URL.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from chatsite.server_url import BadUrl, ServerUrl, decoded_path

SCHEMES = ("redis", "rediss", "unix")
DEFAULT_PORT = 6379
DATABASE_MAX = 9999
OPTIONS = ("db", "ssl_cert_reqs", "ssl_ca_certs", "ssl_check_hostname")
CERTIFICATES = ("none", "optional", "required")


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """One Redis database, and the user that logs in to it."""

    host: str = ""
    port: int = DEFAULT_PORT
    #: The socket file of ``unix://``, which replaces host and port.
    path: str = ""
    database: int = 0
    username: str = ""
    password: str = ""
    #: Options of redis-py for TLS; empty without TLS.
    tls: tuple[tuple[str, Any], ...] = ()

    def client_options(self) -> dict[str, Any]:
        """Return the arguments of ``redis.Redis``."""
        place: dict[str, Any] = {"host": self.host, "port": self.port}
        if self.path:
            place = {"unix_socket_path": self.path}
        if self.tls:
            place |= {"ssl": True, **dict(self.tls)}
        return place | {
            "db": self.database,
            "username": self.username or None,
            "password": self.password or None,
        }

    def broker_url(self) -> str:
        """Return the URL of the same database as kombu spells it."""
        login = f"{_quoted(self.username)}:{_quoted(self.password)}@"
        if not self.username and not self.password:
            login = ""
        if self.path:
            path = quote(os.fsencode(self.path))
            return f"redis+socket://{login}{path}?virtual_host={self.database}"
        zoned = self.host.replace("%", "%25")
        host = f"[{zoned}]" if ":" in self.host else self.host
        scheme = "rediss" if self.tls else "redis"
        return f"{scheme}://{login}{host}:{self.port}/{self.database}"


def parse(raw: str, ca_file: Path | None = None) -> RedisAddress:
    """Parse a URL. Raises ``BadUrl`` if the two clients would read it differently."""
    url = ServerUrl.parse(raw, SCHEMES, OPTIONS)
    database = url.options.get("db", "")
    login: dict[str, Any] = {"username": url.username, "password": url.password}
    if url.scheme == "unix":
        path = decoded_path(url.path)
        if url.hosts or not path.strip("/"):
            raise BadUrl("a socket is written unix:///path/to/socket")
        if ca_file is None and len(url.options) > ("db" in url.options):
            raise BadUrl("a socket has no TLS options")
        return RedisAddress(path=path, database=_database(database), **login)
    if len(url.hosts) > 1:
        raise BadUrl("it must name one host")
    host, port = url.hosts[0] if url.hosts else ("localhost", None)
    in_path = url.path.strip("/")
    if in_path and database and in_path != database:
        raise BadUrl("it names two databases")
    return RedisAddress(
        host=host or "localhost",
        port=port or DEFAULT_PORT,
        database=_database(in_path or database),
        tls=_tls(url, ca_file),
        **login,
    )


def _database(text: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(DATABASE_MAX))):
        raise BadUrl("the database at its end must be a number")
    return int(text)


def _tls(url: ServerUrl, ca_file: Path | None) -> tuple[tuple[str, Any], ...]:
    """Return options of TLS; certificates are checked unless the URL says otherwise."""
    chosen = {k: v for k, v in url.options.items() if k.startswith("ssl_")}
    if url.scheme != "rediss":
        if chosen:
            raise BadUrl("TLS options need rediss://")
        return ()
    required = chosen.get("ssl_cert_reqs", "required")
    if required not in CERTIFICATES:
        raise BadUrl("ssl_cert_reqs must be one of " + ", ".join(CERTIFICATES))
    checked = chosen.get("ssl_check_hostname", str(required != "none")).lower()
    if checked not in ("true", "false"):
        raise BadUrl("ssl_check_hostname must be true or false")
    if checked == "true" and required == "none":
        raise BadUrl("ssl_check_hostname needs ssl_cert_reqs other than none")
    certificates = str(ca_file) if ca_file else chosen.get("ssl_ca_certs")
    found = {"ssl_cert_reqs": required, "ssl_check_hostname": checked == "true"}
    if certificates:
        found["ssl_ca_certs"] = certificates
    return tuple(found.items())


def _quoted(text: str) -> str:
    return quote(text, safe="")
