"""Says by its exit status whether the program in this container is well.

python -m launch.health web|keeper|worker
"""

from __future__ import annotations

import os
import socket
import sys
from http.client import HTTPConnection
from pathlib import Path


def web() -> bool:
    """The site answers; what it answers is for people who look at it."""
    connection = HTTPConnection(
        "127.0.0.1", int(os.environ.get("PORT") or 8000), timeout=4
    )
    connection.request("GET", "/healthz")
    # 400 says that it does not go by this name here, and so that it is well.
    return connection.getresponse().status in (200, 400)


def keeper() -> bool:
    """Its process is there. One that hangs is not seen here: a reply is then collected
    by the poll that sees its end, and a second keeper does no harm."""
    ours = b"manage.py\0keeper"
    return any(ours in _command(folder) for folder in Path("/proc").glob("[0-9]*"))


def worker() -> bool:
    """A worker of this host says that it serves, or that it is on its way there."""
    from chatsite import startup

    startup.begin()
    from chatsite.mailbox import open_mailbox
    from chatsite.model_choice import model_entry

    said = open_mailbox().workers(model_entry().name)
    return any(one.worker.startswith(f"{socket.gethostname()}-") for one in said)


def _command(folder: Path) -> bytes:
    try:
        return (folder / "cmdline").read_bytes()
    except OSError:
        return b""


def main(name: str) -> int:
    checks = {"web": web, "keeper": keeper, "worker": worker}
    try:
        return 0 if checks[name]() else 1
    except Exception as error:
        print(type(error).__name__, error)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
