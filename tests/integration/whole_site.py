"""Web, keeper, worker and Valkey as processes, with keys for programs that call them."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from chatsite.mailbox.connection import key_of
from chatsite.mailbox.mailbox import _mailbox_at
from tests.integration.forked_program import ForkedProgram
from tests.processes import ROOT, Program, free_port
from tests.valkey import Valkey

START_SECONDS = 90
#: How many replies are written at once.
WORKER_ROWS = 4
#: The owner of ``key`` may do much; those of the others two messages a minute.
MAKE_KEYS = """
from chat.accounts.api_keys import make_key
from chat.models import User
for name, most in (("key", 100_000), ("limited", 2), ("also_limited", 2)):
    owner = User.objects.create_user(name, None)
    owner.limits = {"prompts_per_minute": most}
    owner.save()
    scopes = {"can_read_history": True, "can_batch": True}
    print(make_key(owner, name, **scopes)[1])
"""


@dataclass
class WholeSite:
    url: str
    key: str
    limited: str
    also_limited: str
    environment: dict[str, str] = field(repr=False)
    web: Program
    worker: Program

    def restart_web(self) -> None:
        """Kill the web server and start it again on the same port."""
        self.web.kill()
        self.web.output.unlink()
        self.web = _web(self.environment)
        _wait_until_ready(self)

    @contextmanager
    def another_web(self) -> Iterator[Self]:
        """The same site behind a web server of its own, which is killed at the end."""
        port = free_port()
        other = replace(self, url=f"http://127.0.0.1:{port}")
        with _web({**self.environment, "PORT": str(port)}) as other.web:
            _wait_until_ready(other)
            yield other

    @property
    def free_rows(self) -> int:
        """Rows of the worker in which nothing is written, as it announces."""
        box = _mailbox_at(self.environment["REDIS_URL"])
        model = self.environment["CHAT_MODEL"]
        return sum(worker.free for worker in box.workers(model))

    @property
    def unfinished(self) -> int:
        """How many replies wait or are written."""
        path = self.environment["DATABASE_URL"].removeprefix("sqlite:///")
        asked = "SELECT count(*) FROM chat_reply WHERE state IN ('held', 'queued')"
        with closing(sqlite3.connect(path, timeout=10)) as database:
            return int(database.execute(asked).fetchone()[0])

    def processes_waiting_for(self, reply: str) -> int:
        """How many web processes have callers that wait for this reply."""
        redis = _mailbox_at(self.environment["REDIS_URL"]).connection
        processes = redis.command("ZRANGE", "mailbox:callers", 0, -1)
        marks = (
            redis.command("ZSCORE", key_of("callers", process), reply)
            for process in processes
        )
        return sum(mark is not None for mark in marks)

    def run_python(self, program: str) -> str:
        """What a program prints that sees the site's database."""
        done = subprocess.run(
            [sys.executable, "manage.py", "shell", "-v0", "-c", program],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout


@contextmanager
def whole_site(folder: Path, database: str, **settings: str) -> Iterator[WholeSite]:
    valkey = Valkey(folder / "redis.sock", folder / "valkey")
    valkey.start()
    port = free_port()
    own = {
        "DATA_DIR": str(folder / "data"),
        "DATABASE_URL": database,
        "REDIS_URL": valkey.url,
        "PORT": str(port),
        "WEB_PROCESSES": "1",
        "WORKER_SLOTS": str(WORKER_ROWS),
        **settings,
    }
    try:
        with ExitStack() as stack:
            worker = ForkedProgram(
                *("celery", "-A", "chatsite", "worker", "--loglevel", "info"),
                *("--without-gossip", "--without-mingle", "--pool", "threads"),
                *("--concurrency", str(WORKER_ROWS)),
                **own,
            )
            keeper = Program("manage.py", "keeper", **own)
            for program in (worker, keeper):
                stack.enter_context(program)
            url = f"http://127.0.0.1:{port}"
            site = WholeSite(url, "", "", "", {**os.environ, **own}, _web(own), worker)
            stack.callback(lambda: site.web.__exit__(None, None, None))
            keys = site.run_python(MAKE_KEYS).split()
            site.key, site.limited, site.also_limited = keys
            _wait_until_ready(site)
            yield site
    finally:
        valkey.stop()


def _web(environment: dict[str, str]) -> Program:
    config = ("--config", "python:launch.gunicorn_config")
    return Program("-m", "gunicorn", *config, "chatsite.wsgi", **environment)


def _wait_until_ready(site: WholeSite) -> None:
    """Calls of a site whose worker is not ready wait for it."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"{site.url}/healthz", timeout=5).close()
            return  # noqa: TRY300
        except OSError:
            assert site.web.is_alive, site.web.log
            assert time.monotonic() < deadline, site.web.log
            time.sleep(0.05)
