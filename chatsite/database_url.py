"""DATABASE_URL as Django's settings of a database.

A plus sign stays a plus sign, unlike in libraries that decode a URL like a web form.
"""

from __future__ import annotations

import re
from pathlib import Path

from chatsite.server_url import BadUrl, ServerUrl, decoded, decoded_path

POSTGRESQL = ("postgres", "postgresql", "pgsql", "psql")
SQLITE = "sqlite"
#: Options of Django; all others are those of libpq.
NUMBERS = ("CONN_MAX_AGE",)
FLAGS = ("CONN_HEALTH_CHECKS", "DISABLE_SERVER_SIDE_CURSORS")
#: Options that Django takes among those of libpq. The levels are psycopg's, from
#: ``READ UNCOMMITTED`` to ``SERIALIZABLE``.
BINDING = "server_side_binding"
DJANGO = ("assume_role", "isolation_level", "prepare_threshold", BINDING)
ISOLATION_LEVELS = ("1", "2", "3", "4")


def parse(raw: str) -> dict[str, object]:
    """Return the connection settings that a URL spells. Raises ``BadUrl``."""
    url = ServerUrl.parse(raw, (SQLITE, *POSTGRESQL), is_host_folder_allowed=True)
    return _sqlite(url) if url.scheme == SQLITE else _postgresql(url)


def sqlite_at(path: Path) -> dict[str, object]:
    """Return the connection settings of a file, whose path never becomes a URL."""
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}


def _sqlite(url: ServerUrl) -> dict[str, object]:
    if url.hosts or url.username or url.password:
        raise BadUrl("a file is written sqlite:////absolute/path or sqlite:///path")
    if url.options:
        raise BadUrl("in a path, write ? as %3F and # as %23")
    path = decoded_path(url.path)[1:]
    if not path or path.endswith("/") or path == ":memory:":
        raise BadUrl("the processes of a site share a file, sqlite:////absolute/path")
    return sqlite_at(Path(path).absolute())


def _postgresql(url: ServerUrl) -> dict[str, object]:
    hosts = [host for host, _ in url.hosts]
    ports = [str(port) for _, port in url.hosts if port]
    if ports and len(ports) not in (1, len(hosts)):
        raise BadUrl("it names a port for some of its hosts only")
    name, host = decoded(url.path)[1:], ",".join(hosts)
    if name.startswith("/"):  # The folder of a socket stands before the name.
        host, name = name.rsplit("/", 1)
    if not name and "service" not in url.options:
        raise BadUrl("it names no database: postgres://user:password@host/name")
    own, options = _options(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": url.username,
        "PASSWORD": url.password,
        "HOST": host,
        "PORT": ",".join(ports),
        **own,
        **({"OPTIONS": options} if options else {}),
    }


def _options(url: ServerUrl) -> tuple[dict[str, object], dict[str, object]]:
    own: dict[str, object] = {}
    options: dict[str, object] = {}
    for key, value in url.options.items():
        name = key.upper()
        if name in NUMBERS and re.fullmatch(r"[0-9]{1,9}", value):
            own[name] = int(value)
        elif name in FLAGS and value.lower() in ("true", "false", "1", "0"):
            own[name] = value.lower() in ("true", "1")
        elif name in (*NUMBERS, *FLAGS):
            raise BadUrl(f"{name} has no such value")
        elif key == "isolation_level":
            if value not in ISOLATION_LEVELS:
                raise BadUrl(f"{key} must be a number from 1 to 4")
            options[key] = int(value)
        elif key == BINDING:
            if value.lower() not in ("true", "false"):
                raise BadUrl(f"{BINDING} must be true or false")
            options[key] = value.lower() == "true"
        elif re.fullmatch(r"[a-z_]+", key):
            options[key] = int(value) if re.fullmatch(r"[0-9]{1,9}", value) else value
        else:
            raise BadUrl("an option after ? is none of libpq's")
    return own, options
