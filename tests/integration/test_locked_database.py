"""Another process holds the database for long; the web server as it is served."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from django.conf import settings
from django.db import connection

from chat.keeper import Keeper
from chat.models import Message, Reply, User
from chat.services.messages import send_message
from chatsite import wire
from tests.chat.conftest import Worker, worker
from tests.chat.pages import poll_url
from tests.processes import Program, free_port

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]
__all__ = ["worker"]

THREADS = 16
SENDS = 40
#: Far longer than the test takes: a thread that waits for it is missed.
WAIT_SECONDS = 120
#: Holds the write lock, or all rows, until it is killed.
HOLD = """
import sys, threading
if sys.argv[1] == "sqlite":
    import sqlite3
    held = sqlite3.connect(sys.argv[2], isolation_level=None)
    held.execute("BEGIN IMMEDIATE")
else:
    import psycopg
    held = psycopg.connect(sys.argv[2])
    for table in ("conversation", "message", "reply", "session", "user"):
        held.execute(f"LOCK TABLE chat_{table} IN EXCLUSIVE MODE")
print("held", flush=True)
threading.Event().wait()
"""


def database_url() -> str:
    """The database of this test, for other processes."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{name}"


@dataclass(frozen=True, slots=True)
class Site:
    """A served site, and a browser of it."""

    address: str
    cookie: str

    def ask(self, path: str, body: dict[str, Any] | None = None) -> tuple[int, str]:
        said = None if body is None else json.dumps(body).encode()
        headers = {"Cookie": self.cookie, "Content-Type": "application/json"}
        if body is not None and "text" in body:
            headers["Idempotency-Key"] = body["text"]
        request = Request(self.address + path, said, headers)
        try:
            with urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as refused:
            assert refused.headers["Retry-After"], refused.status
            return refused.code, refused.read().decode()


@pytest.fixture
def served(owner: User, client_of: Any, until: Callable[..., None]) -> Iterator[Site]:
    cookie = client_of(owner).cookies[settings.SESSION_COOKIE_NAME]
    port = free_port()
    with Program(
        *("-m", "gunicorn", "--config", "python:launch.gunicorn_config"),
        "chatsite.wsgi:application",
        PORT=str(port),
        WEB_PROCESSES="1",
        WEB_THREADS=str(THREADS),
        DATABASE_WAIT_SECONDS=str(WAIT_SECONDS),
        DATABASE_URL=database_url(),
    ):
        until(lambda: _listens(port), 60)
        yield Site(f"http://127.0.0.1:{port}", cookie.output(header="").split(";")[0])


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@pytest.fixture
def sends() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(SENDS) as pool:
        yield pool


def test_while_another_process_holds_the_database_pages_polls_and_stops_go_on(
    served: Site,
    owner: User,
    worker: Worker,
    client_of: Any,
    sends: ThreadPoolExecutor,
    until: Callable[..., None],
    tmp_path: Path,
) -> None:
    reply = send_message(owner, "hello", "key")
    claim = worker.claim()
    page = f"/c/{reply.message.conversation_id}/"
    poll = poll_url(client_of(owner).get(page))
    with Program("-c", HOLD, connection.vendor, _name()) as holder:
        until(lambda: "held" in holder.log)
        asked = [
            sends.submit(served.ask, "/api/v1/messages", {"text": f"message {number}"})
            for number in range(SENDS)
        ]
        until(lambda: len(_refused(asked)) == SENDS - THREADS // 2, 60)
        for path in ("/healthz", page, poll, f"/api/v1/replies/{reply.pk}"):
            assert served.ask(path)[0] == 200, path
        assert served.ask(f"/api/v1/replies/{reply.pk}/stop", {})[0] == 202
        assert worker.write(claim, "so far") == "stop"
        worker.finish(claim, "so far", wire.Outcome.STOPPED)
        assert "so far" in served.ask(page)[1]
        _back_up(tmp_path / "copy")
        assert holder.is_alive
        holder.kill()
    wait(asked)
    saved = [sent.result() for sent in asked if sent not in _refused(asked)]
    assert [status for status, _ in saved] == [202] * (THREADS // 2)
    prompts = Message.objects.filter(text__startswith="message")
    assert prompts.count() == len(saved)
    until(lambda: _after_a_sweep(reply) == ("stopped", "so far"))


def _after_a_sweep(reply: Reply) -> tuple[str, str]:
    """As the keeper, which tries again where a row was busy."""
    Keeper().sweep()
    row = Reply.objects.get(pk=reply.pk)
    return row.state, row.message.text


def _name() -> str:
    """What the process that holds the database connects to."""
    if connection.vendor == "sqlite":
        return str(connection.settings_dict["NAME"])
    return database_url().replace("postgres://", "postgresql://")


def _refused(asked: list[Future[tuple[int, str]]]) -> list[Future[tuple[int, str]]]:
    done = [sent for sent in asked if sent.done()]
    return [sent for sent in done if sent.result()[0] == 503]


def _back_up(to: Path) -> None:
    """A backup only reads, so it waits for no writer either."""
    if connection.vendor != "sqlite":
        return
    source = sqlite3.connect(str(connection.settings_dict["NAME"]))
    source.execute("VACUUM INTO ?", [str(to)])
    copy = sqlite3.connect(to)
    assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert copy.execute("SELECT count(*) FROM chat_message").fetchone() == (2,)
    copy.close()
    source.close()
