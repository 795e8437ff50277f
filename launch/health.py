"""The health check of a container: exit status 0 if its program is healthy.

python -m launch.health web|ready|keeper|worker
"""

from __future__ import annotations

import os
import socket
import sys
from http.client import HTTPConnection
from pathlib import Path


def web() -> bool:
    """Return whether the web server answers."""
    return _status("/livez") == 200


def ready() -> bool:
    """Return whether it can send messages to workers: see docs/operate.md."""
    return _status("/readyz") == 200


def _status(path: str) -> int:
    port = int(os.environ.get("PORT") or 8000)
    connection = HTTPConnection("127.0.0.1", port, timeout=4)
    connection.request("GET", path)
    return connection.getresponse().status


def keeper() -> bool:
    """Return whether the keeper's process exists, and a keeper has swept lately."""
    from chatsite import startup

    startup.begin()
    from chatsite.mailbox import open_mailbox

    command = b"manage.py\0keeper"
    folders = Path("/proc").glob("[0-9]*")
    return any(command in _command(one) for one in folders) and (
        open_mailbox().has_keeper()
    )


def worker() -> bool:
    """Return whether a worker of this host has announced itself lately."""
    from chatsite import startup

    startup.begin()
    from chatsite.mailbox import open_mailbox
    from chatsite.model_choice import served_entries
    from chatsite.wire import Stage

    box, host = open_mailbox(), f"@{socket.gethostname()}-"
    return any(
        host in announced.worker and announced.stage is not Stage.BROKEN
        for entry in served_entries()
        for announced in box.workers(entry.name)
    )


def _command(folder: Path) -> bytes:
    try:
        return (folder / "cmdline").read_bytes()
    except OSError:
        return b""


def main(name: str) -> int:
    """Run the check of this name and return the exit status."""
    checks = {"web": web, "ready": ready, "keeper": keeper, "worker": worker}
    try:
        return 0 if checks[name]() else 1
    except Exception as error:
        print(type(error).__name__, error)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
