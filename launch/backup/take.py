"""Takes a backup of a site, which may run and be written to meanwhile."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from chatsite.durable_file import sync
from launch.backup import archive
from launch.backup.site_data import BACKUPS, KEPT, SECRET_KEY, database_of
from launch.errors import LaunchError

DRAFT = ".backup-"
#: Other names are of folders, which need not exist.
ENDINGS = (".tar.gz", ".tgz")
#: No backup takes so long.
ABANDONED_SECONDS = 86_400
#: More than one program takes in a second.
IN_A_SECOND_MAX = 100


def take(data_dir: Path, into: str) -> Path:
    """Write a backup and return its path. Raises ``LaunchError``.

    ``into``: a file, by its ending, that does not exist; a folder, which is made if it
    is missing; or empty for the usual folder.
    """
    now = datetime.now(UTC)
    path, *more = _paths(data_dir, into, now)
    for one in (path.parent, *([] if more else [path])):
        if one.exists() and not one.is_dir():
            raise LaunchError(f"{one} exists, and is not overwritten.")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_abandoned(path.parent)
        with tempfile.TemporaryDirectory(prefix=DRAFT, dir=path.parent) as folder:
            draft = _write(Path(folder), data_dir, now)
            path = publish(draft, [path, *more])
        sync(path.parent)
    except FileExistsError:
        raise LaunchError(f"{path} exists, and is not overwritten.") from None
    except OSError as error:
        raise LaunchError(f"Cannot write {path}: {error.strerror}.") from None
    return path


def publish(draft: Path, paths: list[Path]) -> Path:
    """Give the complete file the first name that is free, and return it.

    Raises ``FileExistsError`` rather than replace a file.
    """
    for path in paths:
        with suppress(FileExistsError):
            path.hardlink_to(draft)
            return path
    raise FileExistsError(paths[0])


def _remove_abandoned(folder: Path) -> None:
    """Remove what a backup that was killed has left, a copy of the database."""
    for draft in folder.glob(f"{DRAFT}*"):
        if time.time() - draft.stat().st_mtime > ABANDONED_SECONDS:
            shutil.rmtree(draft, ignore_errors=True)


def _paths(data_dir: Path, into: str, now: datetime) -> list[Path]:
    """Return the file that is named, or some in a folder: one second has several."""
    path = Path(into).expanduser().absolute() if into else data_dir / BACKUPS
    if into and not path.is_dir() and into.endswith(ENDINGS):
        return [path]
    name = f"chatsite-{now:%Y-%m-%dT%H%M%SZ}"
    suffixes = ["", *(f"-{number}" for number in range(2, IN_A_SECOND_MAX + 1))]
    return [path / f"{name}{suffix}.tar.gz" for suffix in suffixes]


def _write(folder: Path, data_dir: Path, now: datetime) -> Path:
    """Copy the database and the small files; return the archive of them."""
    from chatsite import settings

    parts = folder / "parts"
    parts.mkdir(mode=0o700)
    database = database_of(settings.DATABASES["default"])
    migrations = database.copy(parts / database.member)
    # The key in force may come from the environment, and guests exist by it alone.
    (parts / SECRET_KEY).write_text(settings.SECRET_KEY, encoding="utf-8")
    for name in set(KEPT) - {SECRET_KEY}:
        if (data_dir / name).exists():
            (parts / name).write_bytes((data_dir / name).read_bytes())
    members = {one.name: one for one in sorted(parts.iterdir())}
    manifest = archive.Manifest(now.isoformat(), database.kind, migrations)
    archive.write(folder / "archive", manifest, members)
    return folder / "archive"
