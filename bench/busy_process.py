"""A process that keeps one core busy, as a web server or a database does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

#: It ends by itself, should this program be killed.
SECONDS_MAX = 60
SPIN = f"""
import time
end = time.monotonic() + {SECONDS_MAX}
print(flush=True)
while time.monotonic() < end:
    pass
"""


@contextmanager
def busy_process() -> Iterator[subprocess.Popen[bytes]]:
    """Run such a process; it spins already when the block begins."""
    command = [sys.executable, "-c", SPIN]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            if process.stdout:
                process.stdout.readline()
            yield process
        finally:
            process.kill()
