"""The virtual environment ``.venv`` and what is installed in it."""

from __future__ import annotations

import csv
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chatsite.durable_file import write_durably
from launch.env import process_group, torch_build
from launch.env.lockfiles import LOCKS, Lock
from launch.errors import LaunchError

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
#: Written last, removed first: if it is missing, an installation was interrupted.
STAMP = VENV / "installed.json"

#: What can be asked for, as the locks that hold it.
SETS = {
    "run": ("run",),
    "worker": ("worker",),
    "dev": ("dev", "smollm2"),
    "bench": ("bench",),
    "audit": ("audit",),
    "lock": ("uv",),
}


def ensure(name: str, torch: str) -> None:
    """Have ``.venv`` hold the set ``name``; does nothing if it does already.

    ``torch`` is the raw value of TORCH. Raises ``LaunchError``.
    """
    wanted = [LOCKS[each] for each in SETS[name]]
    build = torch_build.parse(torch) if any(lock.torch(ROOT) for lock in wanted) else ""
    with _only_one_at_a_time():
        if name != "lock":  # What makes the locks anew must run with those of before.
            for lock in wanted:
                lock.check_fresh(ROOT)
        files = {lock.name: _hash(lock.path(ROOT)) for lock in wanted}
        stamp = _stamp()
        if _satisfies(stamp, files, build):
            return
        STAMP.unlink(missing_ok=True)
        if _must_be_made(stamp):
            _make()
            stamp = {}
        _install(wanted, build)
        kept = {
            "torch": build or stamp.get("torch", ""),
            "files": {**stamp.get("files", {}), **files},
        }
        # After a power cut the stamp must not stand beside packages that are not whole.
        os.sync()
        write_durably(STAMP, json.dumps({**_python(), **kept}))


@contextmanager
def _only_one_at_a_time() -> Iterator[None]:
    """Hold a lock on the checkout: two installations at once would spoil both."""
    descriptor = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("Waiting for another installation into .venv to end.", flush=True)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _python() -> dict[str, str]:
    return {"python": ".".join(map(str, sys.version_info[:2])), "at": str(VENV)}


def _stamp() -> dict[str, Any]:
    try:
        return dict(json.loads(STAMP.read_text()))
    except (OSError, ValueError):
        return {}


def _satisfies(stamp: dict[str, Any], files: dict[str, str], build: str) -> bool:
    """Whether all is there; ``auto`` is content with any build of torch.

    ``build`` is empty for a set without torch.
    """
    return (
        PYTHON.exists()
        and _python().items() <= stamp.items()
        and files.items() <= stamp["files"].items()
        and build in ("", "auto", stamp["torch"])
    )


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _must_be_made(stamp: dict[str, Any]) -> bool:
    """True unless ``.venv`` works, is of this Python and still where it was made."""
    if stamp and not _python().items() <= stamp.items():
        return True
    check = f"import pip, sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    try:
        ran = subprocess.run([PYTHON, "-c", check], capture_output=True, check=False)
    except OSError:
        return True
    return ran.returncode != 0


def _make() -> None:
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            raise LaunchError(
                f"Python's {module} module is missing; install it "
                "(Debian and Ubuntu: apt install python3-venv) and start again."
            )
    print("Making .venv with Python", sys.version.split()[0], flush=True)
    made = process_group.run(
        [sys.executable, "-m", "venv", "--clear", VENV],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if made.returncode != 0:
        shutil.rmtree(VENV, ignore_errors=True)
        last = (made.stdout.strip() or "no reason given").splitlines()[-1]
        raise LaunchError(f"Could not make a virtual environment in .venv: {last}")


def _install(wanted: list[Lock], build: str) -> None:
    _drop_half_installed()
    torch = next((pin for lock in wanted if (pin := lock.torch(ROOT))), "")
    if torch:
        torch_build.prepare(PYTHON, torch, build, LOCKS["uv"].path(ROOT))
    for lock in wanted:
        alone = ["--no-deps"] if lock.alone else []
        _pip(*alone, "--require-hashes", f"-r{lock.path(ROOT)}")
    if torch:
        # By its version alone: which build it is, and so its hash, no lock can know.
        _pip("--no-deps", torch)
        if libraries := torch_build.libraries(PYTHON, torch):
            _pip("--no-deps", *libraries)
        torch_build.verify(VENV, build)
    print("Installed.", flush=True)


def _drop_half_installed() -> None:
    """pip takes a package whose installation was cut off for a whole one."""
    for metadata in VENV.glob("lib/python*/site-packages/*.dist-info"):
        if not _is_whole(metadata):
            shutil.rmtree(metadata)


def _is_whole(metadata: Path) -> bool:
    """Whether all files of a package have the sizes that it lists.

    A power cut leaves some of them empty. The list: path, digest and size a line,
    https://packaging.python.org/en/latest/specifications/recording-installed-packages/
    """
    try:
        lines = (metadata / "RECORD").read_text(encoding="utf-8").splitlines()
        return bool(lines) and all(
            (metadata.parent / path).stat().st_size == int(size)
            for path, _, size in csv.reader(lines)
            if size
        )
    except (OSError, ValueError, csv.Error):
        return False


def _pip(*arguments: str) -> None:
    command = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check"]
    if not sys.stdout.isatty():
        command.append("-qq")
    status, errors = _run([*command, "--only-binary=:all:", *arguments])
    if "DO NOT MATCH THE HASHES" in errors:
        raise LaunchError(
            "A package (named above) is not the one that is locked: its hash differs. "
            "It was not installed. Look where it comes from: pip's index, or its cache "
            "(`pip cache purge`). Only if the change is meant, run `make lock`."
        )
    if status != 0:
        raise LaunchError(
            "pip could not install what is needed; its words stand above."
        )


def _run(command: list[str]) -> tuple[int, str]:
    """Its status and what it said on standard error, which people see as it comes."""
    said = []
    with process_group.started(command, stderr=subprocess.PIPE) as process:
        for line in process.stderr or ():
            sys.stderr.write(line)
            said.append(line)
    return process.returncode, "".join(said)
