"""What a backup holds of a data folder, and why the rest is left out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from chatsite import database_file, model_choice
from launch.backup import postgresql, sqlite
from launch.errors import LaunchError

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


def refuse_no_site() -> None:
    """Raise ``LaunchError`` if no site is here; reading all settings would begin one.

    A database at ``DATABASE_URL`` needs the secret key that belongs to it.
    """
    from chatsite.settings_table import addresses, storage

    try:
        data_dir = storage.DATA_DIR.read()
        found = storage.DATABASE_URL.read_or_file(data_dir / database_file.NAME)
    except ImproperlyConfigured:
        return  # the bad value is named later
    database = Path(str(found["NAME"]))
    is_elsewhere = storage.DATABASE_URL.is_set()
    has_key = addresses.SECRET_KEY.is_set() or (data_dir / SECRET_KEY).exists()
    if is_elsewhere and not has_key:
        raise LaunchError(
            f"There is no site in {data_dir}, and no SECRET_KEY is set: name the "
            "folder of the site with DATA_DIR."
        )
    places = (database, database_file.earlier_place(database))
    if database_of(found).kind == sqlite.KIND and not any(p.exists() for p in places):
        raise LaunchError(
            f"There is no site here: {database} is missing. Name its folder with "
            "DATA_DIR, or its database with DATABASE_URL."
        )
