"""Tells why the database cannot save."""

from __future__ import annotations

#: PostgreSQL's code for a disk without room. Its message is that of the system.
DISK_FULL = "53100"
#: SQLite cannot make the file that its connections share, and says only "I/O error":
#: https://www.sqlite.org/rescode.html#ioerr_shmsize
SHARED_FILE_HAS_NO_ROOM = "SQLITE_IOERR_SHMSIZE"


def is_disk_full(error: Exception) -> bool:
    """Return whether Django's error of the database says that nothing more fits."""
    if getattr(error.__cause__, "sqlstate", None) == DISK_FULL:
        return True
    name = getattr(error.__cause__, "sqlite_errorname", None)
    return name == SHARED_FILE_HAS_NO_ROOM or "disk is full" in str(error)
