"""Restores a backup into a data folder and a database that hold nothing yet."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import redis
from django.core.exceptions import ImproperlyConfigured

from chatsite import database_file
from chatsite.durable_file import sync
from chatsite.redis_url import parse
from launch.backup import archive
from launch.backup.site_data import KEPT, SECRET_KEY, Database, database_of
from launch.errors import LaunchError
from launch.instance_lock import hold_instance_lock

MIGRATIONS = Path(__file__).resolve().parents[2] / "chat" / "migrations"
#: Files of a site that has run, beside its database and the kept ones.
QUEUE = "valkey/appendonlydir"


def restore(backup: str) -> archive.Manifest:
    """Restore a backup into ``DATA_DIR`` and ``DATABASE_URL``. Raises ``LaunchError``.

    Everything is unpacked and checked before anything is put in place, the database
    last. The settings as a whole are not read: that would begin a new site.
    """
    from chatsite.settings_table import storage

    if not backup:
        raise LaunchError("Name the backup: make restore FROM=file", status=2)
    try:
        data_dir = storage.DATA_DIR.make()
        found = storage.DATABASE_URL.read_or_file(data_dir / database_file.NAME)
    except ImproperlyConfigured as error:
        raise LaunchError(" ".join(str(error).split()), status=2) from None
    os.umask(0o077)
    try:
        (data_dir / "run").mkdir(mode=0o700, exist_ok=True)
        with (
            hold_instance_lock(data_dir / "run"),
            tempfile.TemporaryDirectory(prefix=".restore-", dir=data_dir) as folder,
        ):
            _refuse_a_site(data_dir)
            path = Path(backup).expanduser()
            return _restore(path, data_dir, database_of(found), Path(folder))
    except OSError as error:
        named = error.filename and error.strerror
        problem = f"{error.filename}: {error.strerror}" if named else error
        raise LaunchError(f"Cannot restore: {problem}.") from None


def _refuse_a_site(data_dir: Path) -> None:
    """Raise ``LaunchError`` if the folder or Redis belong to a site already."""
    for name in (*KEPT, QUEUE):
        if (data_dir / name).exists():
            raise LaunchError(
                f"{data_dir / name} exists, and is not overwritten: choose an empty "
                "folder with DATA_DIR, or move what is in this one away."
            )
    from chatsite.settings_table import storage

    if storage.REDIS_URL.is_set() and _has_keys(
        storage.REDIS_URL.read(), storage.REDIS_CA_FILE.read()
    ):
        raise LaunchError(
            "The Redis at REDIS_URL is not empty: it may hold replies that are newer "
            "than the backup. Empty it, or name another database of it (/1)."
        )


def _has_keys(url: str, ca_file: Path | None) -> bool:
    try:
        with redis.Redis(
            socket_connect_timeout=5, **parse(url, ca_file).client_options()
        ) as client:
            return bool(client.dbsize())
    except redis.RedisError as error:
        raise LaunchError(f"Cannot reach Redis at REDIS_URL: {error}.") from None


def _restore(
    backup: Path, data_dir: Path, database: Database, folder: Path
) -> archive.Manifest:
    manifest = archive.unpack(backup, folder)
    if manifest.database != database.kind:
        raise LaunchError(
            f"The backup is of a site on {manifest.database}, and DATABASE_URL names "
            f"{database.kind}. Restore it on {manifest.database}; "
            "`make move-database` then leads from SQLite to PostgreSQL."
        )
    known = {path.stem for path in MIGRATIONS.glob("[0-9]*.py")}
    if newer := sorted(set(manifest.migrations) - known):
        raise LaunchError(
            f"The backup is of a newer version, with the migration {newer[-1]}: "
            "restore it with that version."
        )
    _refuse_no_key(manifest)
    database.check_empty()
    database.check(folder / database.member)
    _put_in_place(data_dir, database, folder)
    return manifest


def _refuse_no_key(manifest: archive.Manifest) -> None:
    """Raise ``LaunchError`` if the site would begin with a new secret key."""
    from chatsite.settings_table import addresses

    if SECRET_KEY not in manifest.digests and not addresses.SECRET_KEY.is_set():
        raise LaunchError(
            "The backup holds no secret key: set SECRET_KEY to the one of the site, "
            "because guests exist by it alone."
        )


def _put_in_place(data_dir: Path, database: Database, folder: Path) -> None:
    """Place what was unpacked, all of it or nothing."""
    names = [name for name in KEPT if (folder / name).exists()]
    try:
        for name in names:
            shutil.move(folder / name, data_dir / name)
        sync(data_dir)
        database.put_in_place(folder / database.member)
    except BaseException:
        for name in names:  # none was there before
            (data_dir / name).unlink(missing_ok=True)
        raise
