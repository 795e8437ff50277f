"""What a backup holds of a data folder, and why the rest is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatsite import model_choice
from launch.backup import postgresql, sqlite

SECRET_KEY = "secret_key"  # noqa: S105 - the name of a file
#: Small files beside the database, by name.
KEPT = (SECRET_KEY, model_choice.FILE_NAME)
#: Made again by a start, from the database or from downloads.
REBUILT = (
    *("valkey", "models", "native", "quality", "styles", "log", "run", "worker"),
    "choice.lock",
)
#: Where backups go unless told.
BACKUPS = "backups"

Database = sqlite.Database | postgresql.Database


def database_of(found: Mapping[str, Any]) -> Database:
    """Return the database that connection settings of Django name."""
    is_file = str(found["ENGINE"]).endswith("sqlite3") or found["ENGINE"] == (
        "chatsite.sqlite"
    )
    return sqlite.Database(found) if is_file else postgresql.Database(found)
