"""Takes a backup of a site, which may run and be written to meanwhile."""

from __future__ import annotations

import shutil
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from launch.backup import archive
from launch.backup.site_data import BACKUPS, KEPT, SECRET_KEY, database_of
from launch.errors import LaunchError

DRAFT = ".backup-"
#: Other names are of folders, which need not exist.
ENDINGS = (".tar.gz", ".tgz")
#: No backup takes so long.
ABANDONED_SECONDS = 86_400


def take(data_dir: Path, into: str) -> Path:
    """Write a backup and return its path. Raises ``LaunchError``.

    ``into``: a file, by its ending, that does not exist; a folder, which is made if it
    is missing; or empty for the usual folder.
    """
    now = datetime.now(UTC)
    path = _path(data_dir, into, now)
    for one in (path, path.parent):
        if one.exists() and not one.is_dir():
            raise LaunchError(f"{one} exists, and is not overwritten.")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_abandoned(path.parent)
        with tempfile.TemporaryDirectory(prefix=DRAFT, dir=path.parent) as folder:
            _write(path, data_dir, now, Path(folder))
    except FileExistsError:
        raise LaunchError(f"{path} exists, and is not overwritten.") from None
    except OSError as error:
        raise LaunchError(f"Cannot write {path}: {error.strerror}.") from None
    return path


def _remove_abandoned(folder: Path) -> None:
    """Remove what a backup that was killed has left, a copy of the database."""
    for draft in folder.glob(f"{DRAFT}*"):
        if time.time() - draft.stat().st_mtime > ABANDONED_SECONDS:
            shutil.rmtree(draft, ignore_errors=True)


def _path(data_dir: Path, into: str, now: datetime) -> Path:
    path = Path(into).expanduser().absolute() if into else data_dir / BACKUPS
    if not into or path.is_dir() or not into.endswith(ENDINGS):
        path /= f"chatsite-{now:%Y-%m-%dT%H%M%SZ}.tar.gz"
    return path


def _write(path: Path, data_dir: Path, now: datetime, folder: Path) -> None:
    """Copy the database and the small files, then write the archive of them."""
    from chatsite import settings

    database = database_of(settings.DATABASES["default"])
    copy = folder / database.member
    migrations = database.copy(copy)
    # The key in force may come from the environment, and guests exist by it alone.
    (folder / SECRET_KEY).write_text(settings.SECRET_KEY, encoding="utf-8")
    for name in set(KEPT) - {SECRET_KEY}:
        if (data_dir / name).exists():
            (folder / name).write_bytes((data_dir / name).read_bytes())
    members = {one.name: one for one in sorted(folder.iterdir())}
    manifest = archive.Manifest(now.isoformat(), database.kind, migrations)
    archive.write(path, manifest, members)
