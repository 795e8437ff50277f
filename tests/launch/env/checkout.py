"""A checkout whose virtual environment is made, from packages that tests make."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from uv import find_uv_bin

from launch.env.lockfiles import LOCKS
from tests.launch.env.wheels import make_wheel
from tests.launch.process_tree import ROOT, run

UV = find_uv_bin()
#: The locks that these tests need, and the files that they are compiled from.
LOCKED = ("run", "audit", "uv")
REQUIREMENTS = (
    "requirements.txt",
    "requirements-run.txt",
    "requirements-audit.txt",
    "requirements-uv.txt",
)
TORCH_CPU = "__version__ = '2.0+cpu'\ncuda = None\n"


class Checkout:
    """A checkout with the real ``launch`` and requirements of its own."""

    def __init__(self, root: Path, *, with_uv: bool = True) -> None:
        self.root = root
        self.wheels = root / "wheels"
        self.wheels.mkdir()
        (root / "worker").mkdir()
        for name in ("launch", "chatsite"):
            shutil.copytree(ROOT / name, root / name)
        for name in REQUIREMENTS:
            (root / name).write_text("")
        (root / "requirements.txt").write_text(
            "-r worker/requirements.txt\nfirst==1.0\n"
        )
        (root / "worker" / "requirements.txt").write_text("torch==2.0\n")
        make_wheel(self.wheels, "torch", "2.0+cpu", TORCH_CPU)
        make_wheel(self.wheels, "first", "1.0", "number = 1\n")
        make_wheel(self.wheels, "second", "1.0", "number = 2\n")
        if with_uv:
            # The real program, but not 60 MB of it for each test.
            run_uv = f"import os, sys\nos.execv({UV!r}, [{UV!r}, *sys.argv[1:]])\n"
            make_wheel(self.wheels, "uv", "1.0", run_uv)
            (root / "requirements-uv.txt").write_text("uv==1.0\n")
        self.lock()

    def lock(self) -> None:
        """Do what `make lock` does, for packages that are only in ``wheels``."""
        (self.root / "locks").mkdir(exist_ok=True)
        for lock in (LOCKS[name] for name in LOCKED):
            text = lock.header(self.root)
            for line in lock.requirements(self.root):
                if not line.startswith("torch"):
                    text += f"{line} --hash=sha256:{self.digest(line)}\n"
            lock.path(self.root).write_text(text)

    def digest(self, pin: str) -> str:
        wheels = self.wheels.glob(f"{pin.replace('==', '-')}-*.whl")
        return next(
            (hashlib.sha256(p.read_bytes()).hexdigest() for p in wheels), "0" * 64
        )

    def start(
        self, *arguments: str, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return run(
            [sys.executable, "-m", "launch.env", *(arguments or ("run",))],
            cwd=self.root,
            PIP_NO_INDEX="1",
            PIP_FIND_LINKS=self.wheels.as_uri(),
            UV_CACHE_DIR=str(self.root / "cache"),
            **variables,
        )

    def site_packages(self, name: str) -> list[Path]:
        """Return what is installed under this name."""
        return list(self.root.glob(f".venv/lib/python*/site-packages/{name}"))
