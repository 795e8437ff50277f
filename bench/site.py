"""Starts the programs of ``make run`` for a measurement, without the supervisor."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from launch.config import LaunchConfig, make_folders
from launch.die_with_parent import ended_with_parent
from launch.programs import programs

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60
STOP_SECONDS = 15
ROWS = 8


@dataclass(frozen=True, slots=True)
class Checkout:
    """A folder with the program, and the interpreter of its environment."""

    root: Path = ROOT
    python: str = sys.executable


@dataclass(frozen=True, slots=True)
class RunningSite:
    """Address of a started site and process ids of its programs."""

    url: str
    #: Process ids of the programs, by name.
    pids: Mapping[str, int]
    #: The variables with which its programs were started.
    environment: Mapping[str, str]

    @property
    def web_pid(self) -> int:
        """Process id of the web server, gunicorn's main process."""
        return self.pids["web"]

    def web_megabytes(self) -> float:
        """Return the resident memory of gunicorn and its web processes, in MiB.

        What they share counts in each of them.
        """
        own, *of_processes = self._resident()
        return own + sum(of_processes)

    def process_megabytes(self) -> float:
        """Return the resident memory of the largest web process, in MiB."""
        return max(self._resident()[1:])

    def _resident(self) -> list[float]:
        """Return the resident memory of gunicorn, then of its web processes, in MiB."""
        gunicorn = str(self.web_pid)
        listed = subprocess.run(
            ["ps", "-o", "pid=,rss=", "-p", gunicorn, "--ppid", gunicorn],  # noqa: S607
            capture_output=True,
            text=True,
            check=True,
        )
        of_process = {}
        for line in listed.stdout.splitlines():
            process, kibibytes = line.split()
            of_process[int(process)] = int(kibibytes) / 1024
        return [of_process.pop(self.web_pid), *of_process.values()]


#: Limits that apply where all requests come from one address.
LIMITS = (
    "NETWORK_GUESTS_PER_HOUR",
    *(
        f"{whose}_{kind}"
        for whose in ("GUEST", "NETWORK")
        for kind in (
            "MESSAGES_PER_MINUTE",
            "MESSAGES_PER_DAY",
            "REPLIES_WAITING",
            "TOKENS_PER_DAY",
        )
    ),
)
#: Settings that switch these limits off.
UNLIMITED = dict.fromkeys(LIMITS, "off")
APPLICATION = "chatsite.wsgi:application"


@contextmanager
def running_site(
    folder: Path,
    *,
    checkout: Checkout = Checkout(),
    only: Collection[str] = (),
    settings: Mapping[str, str] = UNLIMITED,
    application: str = APPLICATION,
    workers: int = 1,
    rows: int = ROWS,
) -> Iterator[RunningSite]:
    """Start Valkey, one web process, the keeper and workers with the scripted engine.

    ``only``: the names of those that start; empty for all. ``application`` is what
    gunicorn serves. ``rows``: of each worker. Stops them at the end.
    """
    config = replace(_launch_config(folder), workers=workers, worker_slots=rows)
    make_folders(config)
    environment = _environment(config, settings)
    if application == APPLICATION:
        migrate = (checkout.python, "manage.py", "migrate", "--no-input", "-v0")
        subprocess.run(migrate, cwd=checkout.root, env=environment, check=True)
    started: dict[str, subprocess.Popen[bytes]] = {}
    replaced = {sys.executable: checkout.python, APPLICATION: application}
    try:
        for program in programs(config):
            if only and program.name not in only:
                continue
            command = [replaced.get(part, part) for part in program.command]
            with (config.log_dir / f"{program.name}.log").open("wb") as log:
                started[program.name] = subprocess.Popen(
                    ended_with_parent("TERM", command),
                    cwd=checkout.root,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
        url = f"http://127.0.0.1:{config.port}"
        _wait_until_ready(url)
        pids = {name: process.pid for name, process in started.items()}
        yield RunningSite(url, pids, environment)
    finally:
        for process in reversed(started.values()):
            _end(process)


def shell(site: RunningSite, program: str, checkout: Checkout = Checkout()) -> str:
    """Run a program in the shell of a site's Django; return what it prints."""
    done = subprocess.run(
        [checkout.python, "manage.py", "shell", "-v0", "-c", program],
        cwd=checkout.root,
        env=dict(site.environment),
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a line of the log for each reply
        text=True,
    )
    return done.stdout


def _environment(config: LaunchConfig, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of the programs, with one web process unless told."""
    return {
        **os.environ,
        "DATA_DIR": str(config.data_dir),
        "DATABASE_URL": "",
        "REDIS_URL": config.redis_url,
        "PORT": str(config.port),
        "CHAT_MODEL": "scripted",
        "WEB_PROCESSES": "1",
        "WORKERS": str(config.workers),
        "WORKER_SLOTS": str(config.worker_slots),
        "WORKER_GRACE_SECONDS": str(config.worker_grace_seconds),
        **settings,
    }


def _launch_config(folder: Path) -> LaunchConfig:
    with socket.create_server(("127.0.0.1", 0)) as trial:
        port = int(trial.getsockname()[1])
    config = LaunchConfig(
        role="site",
        data_dir=folder,
        bind="127.0.0.1",
        port=port,
        redis_url="",
        has_own_valkey=True,
        workers=1,
        worker_slots=ROWS,
        worker_grace_seconds=0,
    )
    return replace(config, redis_url=f"unix://{config.valkey_socket}")


def _wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError):
            urllib.request.urlopen(f"{url}/healthz", timeout=5).close()  # noqa: S310
            return
        time.sleep(0.1)
    raise RuntimeError(f"the site did not answer within {START_SECONDS} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
