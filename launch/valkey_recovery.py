"""Starts the embedded Valkey, without the files that it refused at its last start.

    python valkey_recovery.py LOG FOLDER valkey-server --its-options

After a power cut a file may end in NUL bytes, or be missing, and Valkey then refuses
to start. The rows of the database rebuild all that it held, so its files are removed:
a copy kept aside would hold texts that people erase later. Standard library only.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

#: A crash leaves some 20,000 bytes in the log.
TAIL_BYTES = 65_536
#: The first lines that Valkey writes when it starts.
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
#: The files may be good, and the fault lies elsewhere.
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
    """Whether the last start in this log ended because the files are broken."""
    last = _last_start(log)
    return READY not in last and bool(BROKEN.search(last)) and not SPARED.search(last)


def has_removed(log: Path) -> bool:
    """Whether files were removed just before the last start in this log."""
    before, _, _ = _tail(log).rpartition(STARTS)
    return REMOVED in before.rpartition(STARTS)[2]


def _is_newer(log: Path, words: str) -> bool:
    """Whether the last start ended for that, and these words do not say so yet."""
    last = _last_start(log)
    return bool(NEWER.search(last)) and words not in last


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
    log, folder, *command = arguments
    files = Path(folder) / "appendonlydir"
    # Half a copy of all texts, of a server that ended while it wrote one.
    for left in (*Path(folder).glob("temp-*"), *files.glob("temp-*")):
        left.unlink()
    if files.exists() and has_refused(Path(log)):
        shutil.rmtree(files) if files.is_dir() else files.unlink()
        print(REMOVED, flush=True)
    words = FROM_NEWER.format(folder=files)
    if files.exists() and _is_newer(Path(log), words):
        # The last line is the one that is shown. The next start tries again.
        sys.exit(words)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
