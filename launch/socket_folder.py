"""The folder for Unix sockets, whose paths may have about 104 bytes.

Where the path of the data folder is too long, the sockets are in a temporary folder
with a random name. The data folder has a note of it, and the launcher removes both.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from chatsite.durable_file import write_durably
from launch.errors import LaunchError

#: supervisord appends a process id to its own.
PATH_BYTES = 80
NOTE = "sockets"
TEMPORARY = re.compile(r"chatsite-[0-9a-f]{16}")


def choose(run_dir: Path) -> Path:
    """Return ``run_dir``, the temporary folder noted there, or a new name for one."""
    if _is_short(run_dir):
        return run_dir
    with suppress(OSError, ValueError):
        noted = Path((run_dir / NOTE).read_text(encoding="utf-8"))
        # This folder is removed later, so a damaged note must not name another one.
        if TEMPORARY.fullmatch(noted.name) and _is_private(noted):
            return noted
    name = f"chatsite-{secrets.token_hex(8)}"
    for parent in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108 - private
        if _is_short(Path(parent) / name) and os.access(parent, os.W_OK | os.X_OK):
            return Path(parent) / name
    raise LaunchError(
        "DATA_DIR is too long for sockets, and TMPDIR too; choose a shorter one.",
        status=2,
    )


def make(folder: Path, run_dir: Path) -> None:
    """Make the stand-in and note it. Raises ``LaunchError`` if another account's."""
    if folder == run_dir or _is_private(folder):
        return
    try:
        write_durably(run_dir / NOTE, str(folder))
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise LaunchError(f"Cannot make {folder}: {error.strerror}.") from None


def remove(folder: Path, run_dir: Path) -> None:
    """Remove the temporary folder and the note, if there are any."""
    if folder != run_dir:
        shutil.rmtree(folder, ignore_errors=True)
        (run_dir / NOTE).unlink(missing_ok=True)


def _is_short(path: Path) -> bool:
    return len(os.fsencode(path)) <= PATH_BYTES


def _is_private(folder: Path) -> bool:
    """Return whether only this account may read the folder. Links are not followed."""
    try:
        status = folder.lstat()
    except OSError:
        return False
    is_ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()
    return is_ours and not status.st_mode & 0o077
