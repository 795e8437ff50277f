"""Where the site listens, and where its data is."""

from __future__ import annotations

from chatsite.setting_types import (
    BindAddress,
    DatabaseUrl,
    Flag,
    Folder,
    Integer,
    OneOf,
    OptionalPath,
    ReadableFile,
    RedisUrl,
)
from chatsite.setting_types.paths import ROOT

TITLE = "Ports, data and logs"
INTRODUCTION = ""

PORT = Integer(
    "PORT",
    8000,
    minimum=1,
    maximum=65_535,
    about="The port of the web server.",
)
BIND = BindAddress(
    "BIND",
    "127.0.0.1",
    about="The address on which the web server listens; `0.0.0.0` or `*` opens it to "
    "the network.",
)
DATA_DIR = Folder(
    "DATA_DIR",
    ROOT / "data",
    about="The folder of the database, the queue, the models, the logs and the secret "
    "key. It is closed to other accounts of the machine.",
)
DATABASE_URL = DatabaseUrl(
    "DATABASE_URL",
    {},
    default_note="an SQLite file in DATA_DIR",
    is_secret=True,
    about="The database: PostgreSQL, `postgres://user:password@host/name`, or an "
    "SQLite file, `sqlite:////absolute/path` (`%XX` for a byte). A file that exists "
    "must be an SQLite database.",
)
REDIS_URL = RedisUrl(
    "REDIS_URL",
    "redis://127.0.0.1:6379/0",
    default_note="an embedded Valkey with make run, else redis://127.0.0.1:6379/0",
    is_secret=True,
    about="A Redis or Valkey server of your own: `redis://host:6379/0`, "
    "`rediss://user:password@host:6379/0` for TLS, or `unix:///path?db=0`. Its "
    "`maxmemory-policy` must be `noeviction`.",
)
REDIS_CA_FILE = ReadableFile(
    "REDIS_CA_FILE",
    None,
    default_note="the certificates of the system",
    about="The certificates that vouch for the server behind `rediss://`.",
)
STATIC_ROOT = OptionalPath(
    "STATIC_ROOT",
    None,
    about="The folder in which `manage.py collectstatic` puts static files and from "
    "which they are then served; the web server starts only if they are there.",
)
LOG_LEVEL = OneOf(
    "LOG_LEVEL",
    "info",
    choices=("debug", "info", "warning", "error", "critical"),
    about="The least important messages that are logged.",
)
LOG_FORMAT = OneOf(
    "LOG_FORMAT",
    "console",
    choices=("console", "json"),
    about="How web server, keeper and workers write their logs: lines for people, or "
    "one JSON object a line.",
)
DEBUG = Flag(
    "DEBUG",
    False,
    about="Shows Django's debug pages. Never for a site that others can reach.",
)
