"""The locks: everything that gets installed, in one version, with its hashes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from launch.env import compile_lockfiles
from launch.env.lockfiles import LOCKS, NOT_LOCKED, Lock, normalized, pins
from launch.env.virtualenv import SETS
from launch.errors import LaunchError
from tests.processes import ROOT

ALL = sorted(LOCKS.values(), key=lambda lock: lock.name)
MODEL_LIBRARIES = {"transformers", "tokenizers", "safetensors", "gguf", "numpy"}
each_lock = pytest.mark.parametrize("lock", ALL, ids=[lock.name for lock in ALL])


def text(lock: Lock) -> str:
    return lock.path().read_text(encoding="utf-8")


def blocks(lock: Lock) -> list[str]:
    """The requirements of a lock, each with its hashes."""
    lines = [line for line in text(lock).splitlines() if line.strip()[:1] != "#"]
    return [
        block
        for block in re.split(r"^(?=\S)", "\n".join(lines), flags=re.MULTILINE)
        if block
    ]


def names(lock: Lock) -> set[str]:
    return {name for name, _ in pins(text(lock))}


@each_lock
def test_a_lock_was_made_for_the_requirements_as_they_are(lock: Lock) -> None:
    lock.check_is_current()


@each_lock
def test_a_lock_holds_every_pin_of_its_requirements_in_the_same_version(
    lock: Lock,
) -> None:
    wanted = pins("\n".join(lock.requirements()))
    assert wanted
    apart = {(name, version) for name, version in wanted if NOT_LOCKED.fullmatch(name)}
    assert wanted - apart <= pins(text(lock))


@each_lock
def test_every_package_has_hashes_and_nothing_else_is_named(lock: Lock) -> None:
    assert blocks(lock)
    for block in blocks(lock):
        first, *hashes = [line.strip(" \\") for line in block.strip().splitlines()]
        name = re.match(r"[A-Za-z0-9_.-]+", first)
        assert name
        assert re.match(r"^[a-z0-9-]+==[^\s;]+( ; .+)?$", first), first
        assert hashes, first
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", one) for one in hashes)


@each_lock
def test_no_lock_names_a_host_or_an_option_of_an_index(lock: Lock) -> None:
    assert "://" not in text(lock)
    assert "index-url" not in text(lock)
    assert "find-links" not in text(lock)


@each_lock
def test_torch_and_the_libraries_of_its_build_are_in_no_lock(lock: Lock) -> None:
    assert not {name for name in names(lock) if NOT_LOCKED.fullmatch(name)}


def test_what_torch_needs_besides_is_locked() -> None:
    needed = {"filelock", "fsspec", "jinja2", "networkx", "sympy", "typing-extensions"}
    for name in ("worker", "run", "dev", "bench"):
        assert needed <= names(LOCKS[name])


def test_the_web_tier_gets_no_library_of_the_model_and_the_worker_no_web_server() -> (
    None
):
    assert not MODEL_LIBRARIES & names(LOCKS["web"])
    assert not {"gunicorn", "whitenoise", "psycopg", "django-csp"} & names(
        LOCKS["worker"]
    )
    for name in ("web", "worker", "run"):
        assert not {"pytest", "mypy", "pip-audit", "uv"} & names(LOCKS[name])


def test_a_package_has_the_same_version_in_all_locks_that_share_an_environment() -> (
    None
):
    for lock in ALL:
        if not lock.alone:
            assert pins(text(lock)) <= pins(text(LOCKS["dev"])), lock.name


def test_every_requirement_file_belongs_to_a_lock_and_every_lock_to_a_file() -> None:
    files = {path.name for path in ROOT.glob("requirements*.txt")}
    inputs = {name for lock in ALL for name in lock.inputs}
    assert files - inputs == {"requirements-common.txt"}  # Included by both tiers.
    locked = {path.stem for path in (ROOT / "locks").iterdir()}
    assert locked == LOCKS.keys()
    assert {name for names in SETS.values() for name in names} <= locked


@pytest.mark.parametrize("name", ["web", "worker"])
def test_an_image_installs_by_hash(name: str) -> None:
    dockerfile = (ROOT / "docker" / f"{name}.Dockerfile").read_text()
    assert re.search(r"^FROM python:\d+\.\d+\S*$", dockerfile, re.MULTILINE)
    for line in re.findall(r"pip install .*", dockerfile):
        assert "--require-hashes" in line, line
    assert "requirements.txt" not in re.findall(r"pip install .*", dockerfile)


def test_a_lock_of_other_requirements_is_refused_with_what_to_do(
    tmp_path: Path,
) -> None:
    lock = Lock("own", ("requirements-own.txt",))
    (tmp_path / "locks").mkdir()
    (tmp_path / "requirements-own.txt").write_text("first==1.0\n")
    with pytest.raises(LaunchError, match=r"locks/own\.txt is missing; `make lock`"):
        lock.check_is_current(tmp_path)
    lock.path(tmp_path).write_text(lock.header(tmp_path))
    lock.check_is_current(tmp_path)
    (tmp_path / "requirements-own.txt").write_text("first==1.1\n")
    with pytest.raises(LaunchError, match=r"other requirements.*`make lock`"):
        lock.check_is_current(tmp_path)


def test_torch_and_its_libraries_are_taken_out_with_their_hashes() -> None:
    resolved = (
        "first==1.0 \\\n    --hash=sha256:aa\n    # via torch\n"
        "nvidia-nccl-cu13==2.0 ; sys_platform == 'linux' \\\n    --hash=sha256:bb\n"
        "torch==2.0 \\\n    --hash=sha256:cc \\\n    --hash=sha256:dd\n"
        "torchless==1.0 \\\n    --hash=sha256:ee\n"
    )
    assert compile_lockfiles.without_torch(resolved) == (
        "first==1.0 \\\n    --hash=sha256:aa\n    # via torch\n"
        "torchless==1.0 \\\n    --hash=sha256:ee\n"
    )


def test_names_are_compared_as_registries_do() -> None:
    assert normalized("Django_Environ.x") == "django-environ-x"
