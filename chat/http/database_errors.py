"""Tells why the database cannot save."""

from __future__ import annotations

#: PostgreSQL's code for a disk without room. Its message is that of the system.
DISK_FULL = "53100"


def is_disk_full(error: Exception) -> bool:
    """Return whether Django's error of the database says that nothing more fits."""
    code = getattr(error.__cause__, "sqlstate", None)
    return code == DISK_FULL or "disk is full" in str(error)
