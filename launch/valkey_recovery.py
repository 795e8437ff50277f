"""Starts the embedded Valkey, and first removes files that it could not read.

    python valkey_recovery.py LOG FOLDER valkey-server --its-options

After a power cut a file may end in NUL bytes or be missing, and Valkey then does not
start. The database can rebuild the queue, so the files are removed. No copy is kept: it
would hold texts that people delete later. This uses only the standard library.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

#: A crash report takes about 20,000 bytes of the log.
TAIL_BYTES = 65_536
#: The first line that Valkey writes when it starts.
STARTS = "oO0OoO0OoO0Oo Valkey is starting"
READY = "Ready to accept connections"
BROKEN = re.compile(
    r"Bad file format reading the append only file"
    r"|AOF MANIFEST FILE ERROR"
    r"|Unable to obtain the AOF file .*No such file"
    r"|Unexpected end of file reading the append only file"
    r"|Unrecoverable error reading the append only file"
    r"|append-only dir .*Not a directory"
    r"|Error reading the RDB base file|Fatal error loading the DB"
    r"|Wrong signature trying to load DB|RDB CRC error|Internal error in RDB reading"
    r"|BUG REPORT START"
)
#: Errors with which the files may be good and the cause is another one.
SPARED = re.compile(
    r"Can't handle RDB format|Permission denied|No space left|Input/output error"
)
NEWER = re.compile("Can't handle RDB format")
FROM_NEWER = (
    "the queue's files are from a newer Valkey. Start with the version that wrote "
    "them, or remove {folder}; the database rebuilds what it holds."
)
REMOVED = "The queue's files were damaged and are removed; the database rebuilds them."


def has_refused(log: Path) -> bool:
    """Return whether the last start in this log ended because of broken files."""
    last = _last_start(log)
    return READY not in last and bool(BROKEN.search(last)) and not SPARED.search(last)


def is_ready(log: Path, pid: int) -> bool:
    """Return whether the last start in this log is that of ``pid`` and is complete."""
    last = _last_start(log)
    return READY in last and f"{pid}:M " in last


def has_removed(log: Path) -> bool:
    """Return whether files were removed just before the last start in this log."""
    before, _, _ = _tail(log).rpartition(STARTS)
    return REMOVED in before.rpartition(STARTS)[2]


def _is_newer(log: Path, message: str) -> bool:
    """Return whether the last start ended so, without this message in the log."""
    last = _last_start(log)
    return bool(NEWER.search(last)) and message not in last


def _last_start(log: Path) -> str:
    return _tail(log).rpartition(STARTS)[2]


def _tail(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def main(arguments: list[str]) -> None:
    """Remove broken files, then become the server."""
    log, folder, *command = arguments
    files = Path(folder) / "appendonlydir"
    # Parts of a copy of the queue, left by a server that ended while it wrote one.
    for left in (*Path(folder).glob("temp-*"), *files.glob("temp-*")):
        left.unlink()
    if files.exists() and has_refused(Path(log)):
        shutil.rmtree(files) if files.is_dir() else files.unlink()
        print(REMOVED, flush=True)
    message = FROM_NEWER.format(folder=files)
    if files.exists() and _is_newer(Path(log), message):
        # The monitor shows the last line. The next start tries again.
        sys.exit(message)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
