"""The file of an SQLite database: in its place, and closed to other accounts.

Earlier versions made a URL of DATA_DIR and decoded it like a web form: ``c++`` became
``c  ``, and everything after ``#`` or ``?`` was cut off. A database that they left in
such a place is moved.
"""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, unquote_plus

from django.core.exceptions import ImproperlyConfigured

SUFFIXES = ("", "-wal", "-shm", "-journal")
NAME = "chatsite.sqlite3"
#: The first bytes of every database: https://www.sqlite.org/fileformat.html
MAGIC = b"SQLite format 3\0"
JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")


def prepare_file(database: Path, data_dir: Path) -> None:
    """Make the folder of the database, move an earlier database there, close both.

    Raises ``ImproperlyConfigured``, also if the file is not a database. Call it before
    the first connection: to open and close the file later would release SQLite's
    locks on it.
    """
    variable = (
        "DATABASE_URL" if os.environ.get("DATABASE_URL", "").strip() else "DATA_DIR"
    )
    try:
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if database.exists() and not database.is_file():
            kind = "a folder" if database.is_dir() else "no regular file"
            raise ImproperlyConfigured(
                f"{variable} must leave {str(database)!r} to the database: "
                f"{kind} is there."
            )
        with _alone_in(database.parent):
            _settle(database, data_dir, variable)
            _refuse_damaged(database, variable)
        if database.exists():
            _close(database)
    except OSError as error:
        raise ImproperlyConfigured(
            f"{variable} must name a place for the database, not {str(database)!r}: "
            f"{error.strerror}."
        ) from None


def earlier_place(database: Path) -> Path:
    """Return where an earlier version kept the database of this place."""
    return Path(unquote_plus(re.split("[?#]", str(database), maxsplit=1)[0]))


def remedy(database: Path) -> str:
    """Say what to do with a damaged database."""
    return (
        f"{str(database)!r} is left as it is: move it away, with its -wal and -shm, "
        "and put a backup there, or have the next start make a new one. "
        "`sqlite3 FILE .recover` may save what the damage spared."
    )


def _refuse_damaged(database: Path, variable: str) -> None:
    """Raise ``ImproperlyConfigured`` for a file that SQLite cannot open, or would harm.

    SQLite deletes the log beside an empty database, with all data in the log.
    """
    log, journal = (Path(f"{database}{suffix}") for suffix in ("-wal", "-journal"))
    if not database.exists() or _begins(journal, JOURNAL_MAGIC):
        return  # SQLite repairs the file from its journal.
    if not _size(database) and _size(log):
        raise ImproperlyConfigured(
            f"{variable}: the database is empty, but {str(log)!r} beside it is not. "
            f"{remedy(database)}"
        )
    if _size(database) and not _begins(database, MAGIC):
        raise ImproperlyConfigured(
            f"{variable}: this is a damaged database, or none. {remedy(database)}"
        )


def _begins(path: Path, magic: bytes) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(magic)) == magic


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _settle(database: Path, data_dir: Path, variable: str) -> None:
    """Move a database that an earlier version left elsewhere.

    Raises ``ImproperlyConfigured`` if it may belong to another site.
    """
    earlier = earlier_place(database)
    if earlier == database or database.exists() or not _is_ours(earlier):
        return
    if variable == "DATABASE_URL":
        raise ImproperlyConfigured(
            f"DATABASE_URL must name the database that an earlier version kept at "
            f"{str(earlier)!r} (sqlite:///{quote(str(earlier))}); else move it to "
            f"{str(database)!r}, or make an empty file there for a new site."
        )
    if others := _others(earlier, data_dir):
        raise ImproperlyConfigured(
            f"DATA_DIR {str(data_dir)!r}: an earlier version kept its database at "
            f"{str(earlier)!r}, shared with {str(others[0])!r}. Stop both sites, copy "
            f"that file to {str(database)!r} or make an empty one there."
        )
    _move(earlier, database)


def _is_ours(path: Path) -> bool:
    """Whether the file is a database of this program."""
    if not path.is_file():
        return False
    query = "SELECT 1 FROM sqlite_master WHERE name = 'chat_message'"
    try:
        with closing(_opened(path)) as connection:
            return connection.execute(query).fetchone() is not None
    except sqlite3.Error:
        return False


def _others(earlier: Path, data_dir: Path) -> list[Path]:
    """List other data folders for which the earlier version used the same file."""
    common = Path(os.path.commonpath([earlier, data_dir]))
    depth = len(data_dir.relative_to(common).parts)
    keys = [
        key for n in range(1, depth + 1) for key in common.glob("*/" * n + "secret_key")
    ]
    folders = sorted(key.parent for key in keys if key.parent != data_dir)
    return [f for f in folders if earlier_place(f / NAME) == earlier]


def _move(earlier: Path, database: Path) -> None:
    """Move a database and the data in its log. Raises if a process has it open."""
    try:
        with closing(_opened(earlier)) as connection:
            (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.Error:
        mode = ""
    if mode != "delete":
        raise ImproperlyConfigured(
            f"DATA_DIR: the database of an earlier version at {str(earlier)!r} is "
            "still in use, or cannot be written; stop the site that uses it and start "
            "again."
        )
    os.rename(earlier, database)
    for suffix in SUFFIXES[1:]:
        Path(f"{earlier}{suffix}").unlink(missing_ok=True)
    with suppress(OSError):
        earlier.parent.rmdir()
    print(f"The database of an earlier version is now at {database}.", file=sys.stderr)


def _opened(path: Path) -> sqlite3.Connection:
    uri = f"file:{quote(os.fsencode(path))}?mode=rw"
    return sqlite3.connect(uri, uri=True, timeout=2, isolation_level=None)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold a lock on the folder, since several programs start at once."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _close(database: Path) -> None:
    """Close the database to others; SQLite gives its mode to the files beside it."""
    for file in (Path(f"{database}{suffix}") for suffix in SUFFIXES):
        with suppress(FileNotFoundError, PermissionError):
            if (mode := file.stat().st_mode) & 0o077:
                file.chmod(mode & 0o700)
