"""Each service is started as its file says, from a clean environment, and they answer."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from launch.die_with_parent import PARENT
from tests.deployment.services import KINDS, Service
from tests.integration.test_redis_rights import WEB, WORKER, written_acl
from tests.processes import BOUND, ROOT, free_port
from tests.test_compose import SERVICES
from tests.valkey import Valkey

pytestmark = pytest.mark.timeout(150)
TOKEN = "m" * 40
METRIC = "chatsite_keeper_sweep_age_seconds"
STOP_SECONDS = 60
HEALTHY_SECONDS = 30


class Host:
    """Where the services run: a folder, a port, and a Redis that knows their rights."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        watcher = "user watcher on nopass ~* &* +@all\n"
        acl = written_acl(folder, watcher)
        self.redis = Valkey(folder / "r.sock", folder / "valkey", acl)

    def environment(self, name: str, service: Service) -> dict[str, str]:
        """The variables of a service, with the addresses and passwords of this host.

        Only variables that the service has are replaced.
        """
        is_worker = name in ("worker", "model")
        user, password = ("worker", WORKER) if is_worker else ("web", WEB)
        secret = urllib.parse.quote(password, safe="")
        here = {
            "REDIS_URL": f"unix://{user}:{secret}@{self.redis.socket}",
            "DATABASE_URL": f"sqlite:///{self.folder / 'site.sqlite3'}",
            "SECRET_KEY": "k" * 50,
            "DATA_DIR": str(self.folder / ("workers" if is_worker else "site")),
            "HF_HOME": str(self.folder / "models"),
            "STATIC_ROOT": "",
            "BIND": "127.0.0.1",
            "ALLOWED_HOSTS": "127.0.0.1",
            "SITE_URL": "",
            "HTTPS_ONLY": "off",
            "CHAT_MODEL": "scripted",
            "TRUSTED_PROXIES": "",
            "METRICS_TOKEN": TOKEN,
        }
        given = service.environment
        assert {"REDIS_URL", "CHAT_MODEL", "DATA_DIR"} <= given.keys()
        replaced = {key: here[key] for key in given.keys() & here.keys()}
        # The address of the page is the host's matter.
        return {**given, **replaced, "PORT": str(self.port), **self.system}

    @property
    def system(self) -> dict[str, str]:
        """What every program of a system has."""
        bin_ = str(Path(sys.executable).parent)
        path = f"{bin_}:/usr/local/bin:/usr/bin:/bin"
        return {"PATH": path, "HOME": str(self.folder), PARENT: str(os.getpid())}

    def run(self, name: str, service: Service) -> None:
        """Run a service that ends by itself."""
        done = subprocess.run(
            command_of(service),
            cwd=ROOT,
            env=self.environment(name, service),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def is_healthy(self, name: str, service: Service) -> bool:
        command = [sys.executable, "-m", "launch.health", name]
        given = self.environment("worker" if name == "worker" else "web", service)
        done = subprocess.run(command, cwd=ROOT, env=given, check=False)
        return done.returncode == 0

    @contextmanager
    def running(self, name: str, service: Service) -> Iterator[None]:
        """Run a service; in the end SIGTERM must end it."""
        given = self.environment(name, service)
        with self.running_program(name, command_of(service), given):
            yield

    @contextmanager
    def running_program(
        self, name: str, command: list[str], environment: dict[str, str]
    ) -> Iterator[None]:
        log = self.folder / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*BOUND, *command],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            yield
            assert process.poll() is None, log.read_text()
            process.terminate()
            process.wait(STOP_SECONDS)
        except BaseException:
            sys.stderr.write(f"--- {name}\n{log.read_text()[-4000:]}\n")
            raise
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def command_of(service: Service) -> list[str]:
    program, *arguments = service.command
    name = Path(program).name
    if name == "python":
        return [sys.executable, *arguments]
    found = shutil.which(name, path=str(Path(sys.executable).parent))
    assert found, f"{name} is not installed"
    return [found, *arguments]


@pytest.fixture
def host() -> Iterator[Host]:
    with TemporaryDirectory(prefix="deploy-") as folder:
        host = Host(Path(folder))
        host.redis.start()
        yield host
        host.redis.stop()


def until_prometheus_scrapes(host: Host) -> None:
    """Run the service ``prometheus`` of the compose file, with its own configuration."""
    folder, port = host.folder / "prometheus", free_port()
    folder.mkdir()
    (folder / "token").write_text(TOKEN)
    shutil.copy(ROOT / "deploy" / "metrics" / "alerts.yml", folder)
    text = (ROOT / "deploy" / "compose" / "prometheus.yml").read_text()
    for there, here in {
        "web:8000": f"127.0.0.1:{host.port}",
        "/run/secrets/metrics_token": str(folder / "token"),
        "15s": "1s",
    }.items():
        assert there in text
        text = text.replace(there, here)
    (folder / "prometheus.yml").write_text(text)
    options = [
        option.replace("/etc/prometheus", str(folder)).replace(
            "=/prometheus", f"={folder}/data"
        )
        for option in SERVICES["prometheus"]["command"]
    ]
    listening = f"--web.listen-address=127.0.0.1:{port}"
    command = ["prometheus", *options, listening]
    with host.running_program("prometheus", command, host.system):
        query = f"http://127.0.0.1:{port}/api/v1/query?query={METRIC}"
        deadline = time.monotonic() + HEALTHY_SECONDS
        while not results_of(query):
            assert time.monotonic() < deadline, "it scrapes nothing"
            time.sleep(0.2)


def results_of(query: str) -> list[object]:
    try:
        with urllib.request.urlopen(query, timeout=5) as answer:
            return list(json.load(answer)["data"]["result"])
    except OSError:
        return []


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_is_answered_by_services_started_as_their_files_say(
    host: Host, kind: str
) -> None:
    services = {
        name: KINDS[kind](name)
        for name in ("migrate", "model", "web", "keeper", "worker")
    }
    host.run("migrate", services["migrate"])
    host.run("model", services["model"])
    with ExitStack() as stack:
        for name in ("web", "keeper", "worker"):
            stack.enter_context(host.running(name, services[name]))
        send = [sys.executable, "-m", "launch.send_message"]
        url = f"http://127.0.0.1:{host.port}"
        sent = subprocess.run(
            [*send, url],
            cwd=ROOT,
            env=host.system,
            capture_output=True,
            text=True,
            check=False,
        )
        assert sent.returncode == 0, sent.stdout + sent.stderr
        assert sent.stdout.startswith("done: ")
        checks = {"web": "web", "ready": "web", "keeper": "keeper", "worker": "worker"}
        deadline = time.monotonic() + HEALTHY_SECONDS
        for name, service in checks.items():
            if (kind, name) == ("systemd", "worker"):
                continue  # its name has the host of the unit, not of this machine
            while not host.is_healthy(name, services[service]):
                assert time.monotonic() < deadline, f"{name} is not healthy"
        if kind == "compose" and shutil.which("prometheus"):
            until_prometheus_scrapes(host)
    watcher = host.redis.client.__class__(
        unix_socket_path=str(host.redis.socket), username="watcher", password=""
    )
    refused = watcher.execute_command("ACL", "LOG")
    assert [one for one in refused if one[b"username"] in (b"web", b"worker")] == []


def test_systemd_hears_when_the_web_server_is_up(host: Host) -> None:
    """Its unit is of ``Type=notify``: without this message it would be ended."""
    service = KINDS["systemd"]("web")
    path = host.folder / "notify"
    environment = host.environment("web", service) | {"NOTIFY_SOCKET": str(path)}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(path))
        notified.settimeout(HEALTHY_SECONDS)
        with host.running_program("web", command_of(service), environment):
            assert b"READY=1" in notified.recv(4096)
