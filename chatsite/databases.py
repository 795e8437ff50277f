"""The connection of Django to the site's database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from chatsite import database_url
from chatsite.database_file import NAME, prepare_file
from chatsite.server_url import BadUrl
from chatsite.settings_table import storage

#: FULL syncs the log at each commit; NORMAL would lose acknowledged messages in a power
#: cut. On macOS only ``fullfsync`` reaches the disk. ``secure_delete`` overwrites
#: erased data in the file.
SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA fullfsync=ON;"
    "PRAGMA secure_delete=ON;"
)


def connection_settings(data_dir: Path, wait_seconds: float) -> dict[str, Any]:
    """Return the settings of the database, and prepare its file if it is SQLite.

    Transactions are short; on SQLite they wait up to ``wait_seconds`` for their turn to
    write. Raises ``ImproperlyConfigured``.
    """
    found = storage.DATABASE_URL.read_or_file(data_dir / NAME)
    found = {"CONN_MAX_AGE": 60, **found, "ATOMIC_REQUESTS": False}
    if found["ENGINE"] != "django.db.backends.sqlite3":
        return _on_postgresql(found)
    prepare_file(Path(found["NAME"]), data_dir)
    options = {
        "transaction_mode": "IMMEDIATE",
        "timeout": wait_seconds,
        "init_command": SQLITE_PRAGMAS,
    }
    return {**found, "ENGINE": "chatsite.sqlite", "OPTIONS": options}


def postgresql_settings(url: str, variable: str) -> dict[str, Any]:
    """Return the settings of another database, on PostgreSQL.

    Raises ``ImproperlyConfigured``, which names the variable.
    """
    try:
        found = database_url.parse(url)
    except BadUrl as bad:
        raise ImproperlyConfigured(
            f"{variable} must be a URL like postgres://user:password@host/name: {bad}."
        ) from None
    if not str(found["ENGINE"]).endswith("postgresql"):
        raise ImproperlyConfigured(f"{variable} must name a database of PostgreSQL.")
    return _on_postgresql(found)


def _on_postgresql(found: dict[str, Any]) -> dict[str, Any]:
    return {"CONN_HEALTH_CHECKS": True, **found, "ENGINE": "chatsite.postgresql"}
