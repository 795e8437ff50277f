"""Starts the embedded Valkey, without the files that it refused at its last start.

    python valkey_files.py LOG FOLDER valkey-server --its-options

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

TAIL_BYTES = 16_384
#: The first lines that Valkey writes when it starts.
STARTS = "oO0OoO0OoO0Oo Valkey is starting"
BROKEN = re.compile(
    r"Bad file format reading the append only file"
    r"|AOF MANIFEST FILE ERROR"
    r"|Unable to obtain the AOF file .*No such file"
    r"|Unexpected end of file reading the append only file"
    r"|Wrong signature trying to load DB|RDB CRC error|Internal error in RDB reading"
)
#: The files may be good, and the fault lies elsewhere.
SPARED = re.compile(
    r"Can't handle RDB format|Permission denied|No space left|Input/output error"
)
REMOVED = "The queue's files were damaged and are removed; the database rebuilds them."


def has_refused(log: Path) -> bool:
    """Whether the last start in this log ended because the files are broken."""
    _, _, last = _tail(log).rpartition(STARTS)
    return bool(BROKEN.search(last)) and not SPARED.search(last)


def has_removed(log: Path) -> bool:
    """Whether files were removed just before the last start in this log."""
    before, _, _ = _tail(log).rpartition(STARTS)
    return REMOVED in before.rpartition(STARTS)[2]


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
        shutil.rmtree(files)
        print(REMOVED, flush=True)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
