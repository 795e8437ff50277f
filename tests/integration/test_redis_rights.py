"""Redis with passwords, TLS and the rights of ``docker/redis.acl``, used for real."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import ssl
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
from kombu import Connection

from chatsite import wire
from tests import log_leaks
from tests.certificate import certificate
from tests.chaos.proxy import Proxy
from tests.processes import ROOT, Program, free_port
from tests.valkey import Valkey
from worker.engine.script import expected_reply

pytestmark = pytest.mark.timeout(170)
ACL = ROOT / "docker" / "redis.acl"
PATIENCE_SECONDS = 40
#: With what must be quoted in an address.
WEB, WORKER = (f"{secrets.token_urlsafe(12)}/@:%" for _ in range(2))


@dataclass
class Guarded:
    """A Redis that asks who one is, and a proxy before it that speaks TLS."""

    folder: Path
    server: Valkey
    proxy: Proxy
    certificate: Path
    rights: str = field(default_factory=ACL.read_text)

    def url(self, user: str, password: str) -> str:
        quoted = urllib.parse.quote(password, safe="")
        return f"rediss://{user}:{quoted}@localhost:{self.proxy.port}/0"

    def client(self, user: str, password: str) -> redis.Redis:
        return redis.Redis(
            unix_socket_path=str(self.server.socket),
            username=user,
            password=password,
            decode_responses=True,
        )

    def environment(self, user: str, password: str) -> dict[str, str]:
        return {
            "REDIS_URL": self.url(user, password),
            "REDIS_CA_FILE": str(self.certificate),
            "DATA_DIR": str(self.folder / user),
            "DATABASE_URL": f"sqlite:///{self.folder / 'db.sqlite3'}",
        }


def written_acl(folder: Path, extra: str = "") -> Path:
    rights = ACL.read_text()
    for name, password in (("WEB", WEB), ("WORKER", WORKER)):
        digest = hashlib.sha256(password.encode()).hexdigest()
        rights = rights.replace(f"{name}_PASSWORD_SHA256", digest)
    path = folder / "users.acl"
    path.write_text(rights + extra)
    return path


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    watcher = "user watcher on nopass ~* &* +@all\n"
    acl = written_acl(folder, watcher)
    # A worker that may do all but take bells.
    (worker,) = re.findall(r"^user worker .*", acl.read_text(), re.MULTILINE)
    deaf = worker.replace("user worker", "user deaf").replace(" +brpop", "")
    acl.write_text(f"{acl.read_text()}{deaf}\n")
    server = Valkey(folder / "r.sock", folder / "valkey", acl)
    server.start()
    public, private = certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    proxy = Proxy(server.socket, context)
    yield Guarded(folder, server, proxy, public)
    proxy.close()
    server.stop()


def ask(url: str, path: str, said: dict[str, str] | None = None) -> dict[str, Any]:
    request = urllib.request.Request(
        url + path,
        data=json.dumps(said).encode() if said else None,
        headers={"Content-Type": "application/json", **COOKIES},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            COOKIES.setdefault("Cookie", "")
            COOKIES["Cookie"] += cookie.partition(";")[0] + "; "
        return dict(json.load(answer))


COOKIES: dict[str, str] = {}


@pytest.fixture
def eventually() -> Callable[..., None]:
    def wait(condition: Callable[[], object], *programs: Program) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            for program in programs:
                assert program.is_alive, program.log
            logs = "\n".join(program.log[-2000:] for program in programs)
            assert time.monotonic() < deadline, logs
            time.sleep(0.05)

    return wait


def test_a_site_and_its_worker_need_no_more_than_their_rights(
    guarded: Guarded, eventually: Callable[..., None], migrated: Callable[[Path], str]
) -> None:
    """Web and keeper as one user, a worker as another: all of it over TLS."""
    COOKIES.clear()
    # What another test was refused on purpose.
    guarded.client("watcher", "").execute_command("ACL", "LOG", "RESET")
    web = guarded.environment("web", WEB)
    migrated(guarded.folder / "db.sqlite3")
    worker = guarded.environment("worker", WORKER) | {"DATABASE_URL": ""}
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    prompt = "tell me [words=30] [delay=0.02]"
    serve = ("-m", "gunicorn", "--config", "python:launch.gunicorn_config")
    labour = ("-m", "celery", "-A", "chatsite", "worker", "--loglevel", "debug")
    with (
        Program(*serve, "chatsite.wsgi", PORT=str(port), **web) as site,
        Program("manage.py", "keeper", **web) as keeper,
        Program(
            *labour, LOG_LEVEL="debug", WORKER_GRACE_SECONDS="1", **worker
        ) as labourer,
    ):
        programs = (site, keeper, labourer)
        eventually(lambda: "serving" in labourer.log, *programs)
        eventually(lambda: answers(url), *programs)
        sent = ask(url, "/api/v1/messages", {"text": prompt})
        path = sent["url"].removeprefix(url)
        eventually(lambda: ask(url, path)["state"] == "done", *programs)
        assert ask(url, path)["text"] == expected_reply(prompt)
        stopped = ask(url, "/api/v1/messages", {"text": "stop [words=900] [delay=0.1]"})
        path = stopped["url"].removeprefix(url)
        eventually(lambda: ask(url, path)["state"] == "running", *programs)
        ask(url, f"{path}/stop", {"now": "yes"})
        eventually(lambda: ask(url, path)["state"] == "stopped", *programs)
        handed = ask(url, "/api/v1/messages", {"text": "long [words=900] [delay=0.1]"})
        path = handed["url"].removeprefix(url)
        eventually(lambda: ask(url, path)["state"] == "running", *programs)
        labourer.terminate()
        assert "handed back: kept" in labourer.log
        refused = guarded.client("watcher", "").execute_command("ACL", "LOG")
        ours = [one for one in refused if one["username"] in ("web", "worker")]
        assert ours == []
        for program in programs:
            assert WEB not in program.log and WORKER not in program.log
            assert urllib.parse.quote(WORKER, safe="") not in program.log
            assert urllib.parse.quote(WEB, safe="") not in program.log
            log_leaks.assert_no_leak(program.log)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=2):
            return True
    except OSError:
        return False


@pytest.mark.parametrize(
    "command",
    [
        "FLUSHALL",
        "FLUSHDB",
        "CONFIG GET *",
        "CONFIG SET dir /tmp",
        "KEYS *",
        "SCAN 0",
        "ACL LIST",
        "ACL SETUSER x on",
        "CLIENT LIST",
        "MONITOR",
        "SHUTDOWN NOSAVE",
        "SAVE",
        "REPLICAOF 127.0.0.1 1",
        "MODULE LIST",
        "FUNCTION LIST",
        "SCRIPT FLUSH",
        "RANDOMKEY",
        "GET who:somebody",
        "SET who:somebody owner",
        "SET mailbox:choice another",
        "GET mailbox:sequence",
        "GET anything",
        "SET anything 1",
        "LPUSH celery x",
        "SUBSCRIBE anything",
        "PSUBSCRIBE *",
        "PUBLISH anything x",
        "PUBLISH chat:/0.celeryev/worker.heartbeat x",
        "EVAL return(redis.call('keys','*')) 0",
        "EVAL return(redis.call('get','who:somebody')) 0",
        "EVAL return(redis.call('flushall')) 0",
    ],
)
def test_what_a_worker_does_not_need_is_refused(guarded: Guarded, command: str) -> None:
    worker = guarded.client("worker", WORKER)
    with pytest.raises(redis.ResponseError) as refused:
        worker.execute_command(*command.split(" "))
    assert "permission" in str(refused.value).lower() or "acl" in str(refused.value)


def test_a_worker_that_may_not_read_the_queue_says_so_and_ends(
    guarded: Guarded, eventually: Callable[..., None]
) -> None:
    deaf = guarded.environment("deaf", WORKER)
    with Program("-m", "celery", "-A", "chatsite", "worker", **deaf) as worker:
        eventually(lambda: not worker.is_alive)
        assert worker.log.count("may not read the queue") == 1
        assert worker.process.returncode != 0


def test_a_bell_that_a_dead_worker_had_taken_rings_again(guarded: Guarded) -> None:
    """What Celery does about it needs rights of its own."""
    options = {"global_keyprefix": "chat:", "visibility_timeout": 0}
    url = f"redis+socket://worker:{urllib.parse.quote(WORKER, safe='')}@"
    with Connection(f"{url}{guarded.server.socket}", transport_options=options) as link:
        queue = link.SimpleQueue("generate.scripted")
        bell = {"task": wire.GENERATE, "id": wire.task_id(str(uuid4()), 1)}
        queue.put([[], {}, {}], headers=bell)
        queue.get(timeout=5)
        channel = queue.consumer.channel
        assert guarded.client("worker", WORKER).llen("chat:generate.scripted") == 0
        channel.qos.restore_visible(num=10)
        assert guarded.client("worker", WORKER).llen("chat:generate.scripted") == 1
        queue.get(timeout=5).ack()


def test_a_worker_may_read_which_model_the_site_serves(guarded: Guarded) -> None:
    guarded.client("web", WEB).set("mailbox:choice", "scripted")
    assert guarded.client("worker", WORKER).get("mailbox:choice") == "scripted"


def test_whoever_says_no_name_may_only_ask_whether_it_lives(guarded: Guarded) -> None:
    stranger = redis.Redis(unix_socket_path=str(guarded.server.socket), protocol=2)
    assert stranger.ping()
    with pytest.raises(redis.RedisError):
        stranger.get("mailbox:choice")
    with pytest.raises(redis.AuthenticationError):
        guarded.client("worker", "wrong").ping()


@pytest.mark.parametrize("kind", ["rediss", "unix"])
def test_the_launcher_and_the_mailbox_get_in_with_the_same_address(
    guarded: Guarded, kind: str
) -> None:
    environment = guarded.environment("worker", WORKER)
    if kind == "unix":
        secret = urllib.parse.quote(WORKER, safe="")
        environment["REDIS_URL"] = f"unix://worker:{secret}@{guarded.server.socket}"
    asking = (
        "from launch.config import read_config; from launch.checks import check_redis; "
        "check_redis(read_config('worker')); "
        "from chatsite.mailbox import open_mailbox; print(open_mailbox().workers('x'))"
    )
    with Program("-c", asking, **environment) as program:
        assert program.process.wait(30) == 0, program.log
        assert WORKER not in program.log


def test_a_server_that_nobody_vouches_for_is_refused(guarded: Guarded) -> None:
    environment = guarded.environment("worker", WORKER) | {"REDIS_CA_FILE": ""}
    asking = "from chatsite.mailbox import open_mailbox; open_mailbox().ping()"
    prepared = "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'chatsite.settings'; "
    with Program("-c", prepared + asking, **environment) as program:
        assert program.process.wait(30) != 0
        assert "CERTIFICATE_VERIFY_FAILED" in program.log
