"""The virtual environment ``.venv``: makes it and installs the packages of a set."""

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
from launch.env.installer import Installer
from launch.env.lockfiles import LOCKS, Lock, pins
from launch.errors import LaunchError

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
#: Written last and removed first: where it is missing, an installation was cut off.
STAMP = VENV / "installed.json"

#: The package sets, and the locks that hold their packages.
SETS = {
    "run": ("run",),
    "worker": ("worker",),
    "dev": ("dev", "smollm2"),
    "bench": ("bench",),
    "audit": ("audit",),
    "lock": ("uv",),
}
_WITH_TORCH = "it takes about {} GB of disk space, some GB more with CUDA"
DISK_SPACE = {
    "run": _WITH_TORCH.format(1.3),
    "worker": _WITH_TORCH.format(1.2),
    "dev": _WITH_TORCH.format(2),
    "bench": _WITH_TORCH.format(1.7),
    "audit": "it takes less than 0.2 GB of disk space",
    "lock": "it takes less than 0.2 GB of disk space",
}


def ensure(name: str, torch: str) -> None:
    """Install the set ``name`` into ``.venv``, unless it is installed already.

    ``torch`` is the raw value of TORCH. Raises ``LaunchError``.
    """
    wanted = [LOCKS[each] for each in SETS[name]]
    build = torch_build.parse(torch) if any(lock.torch(ROOT) for lock in wanted) else ""
    with _exclusive_lock():
        if name != "lock":  # `make lock` itself has to run with the old ones.
            for lock in wanted:
                lock.check_is_current(ROOT)
        files = {lock.name: _hash(lock.path(ROOT)) for lock in wanted}
        stamp = _stamp()
        if _satisfies(stamp, files, build):
            return
        STAMP.unlink(missing_ok=True)
        if _must_be_made(stamp):
            _make(name)
            stamp = {}
        _install(wanted, build)
        kept = {
            "torch": build or stamp.get("torch", ""),
            "files": {**stamp.get("files", {}), **files},
        }
        # After a power cut there must be no stamp beside packages that are not whole.
        os.sync()
        write_durably(STAMP, json.dumps({**_python(), **kept}))


@contextmanager
def _exclusive_lock() -> Iterator[None]:
    """Lock the checkout: two installations at the same time would break both."""
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
    """Return whether the stamp says that all these lock files are installed.

    ``auto`` accepts any build of torch. ``build`` is empty for a set without torch.
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
    """Return whether ``.venv`` is missing, broken, moved, or of another Python."""
    if stamp and not _python().items() <= stamp.items():
        return True
    # A part of pip can be imported, too, but nothing can be installed with it.
    pip = list(VENV.glob("lib/python*/site-packages/pip-*.dist-info"))
    if not pip or not all(map(_is_whole, pip)):
        return True
    check = f"import pip, sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    try:
        ran = subprocess.run([PYTHON, "-c", check], capture_output=True, check=False)
    except OSError:
        return True
    return ran.returncode != 0


def _make(name: str) -> None:
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            raise LaunchError(
                f"Python's {module} module is missing; install it "
                "(Debian and Ubuntu: apt install python3-venv) and start again."
            )
    python = sys.version.split()[0]
    print(f"Making .venv with Python {python}; {DISK_SPACE[name]}.", flush=True)
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
    _remove_half_installed()
    installer = Installer(PYTHON, LOCKS["uv"].path(ROOT))
    _install_with(installer, wanted, build)
    if _remove_half_installed():
        # A power cut may have emptied files in uv's cache, which it links to.
        print("Some files were not whole; downloading them again.", flush=True)
        installer.without_cache()
        _install_with(installer, wanted, build)
    print("Installed.", flush=True)


def _install_with(installer: Installer, wanted: list[Lock], build: str) -> None:
    torch = next((pin for lock in wanted if (pin := lock.torch(ROOT))), "")
    if torch:
        torch_build.install(installer, torch, build)
    for lock in wanted:
        path = lock.path(ROOT)
        count = len(pins(path.read_text(encoding="utf-8")))
        print(f"Installing the packages of locks/{path.name} ({count}).", flush=True)
        alone = ["--no-deps"] if lock.alone else []
        installer.install(*alone, "--require-hashes", f"-r{path}")
    if torch:
        if cuda := torch_build.libraries(installer, torch):
            print(f"Installing the CUDA libraries of torch ({len(cuda)}).", flush=True)
            installer.install("--no-deps", *cuda)
        torch_build.verify(VENV, build)


def _remove_half_installed() -> bool:
    """Remove the records of packages whose installation was cut off.

    Without it pip and uv take such a package for a whole one. Return whether there was
    one.
    """
    found = False
    for metadata in VENV.glob("lib/python*/site-packages/*.dist-info"):
        if not _is_whole(metadata):
            shutil.rmtree(metadata)
            found = True
    return found


def _is_whole(metadata: Path) -> bool:
    """Return whether all files of a package have the sizes in its RECORD.

    A power cut leaves some of them empty. A line of RECORD is path, digest and size:
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
