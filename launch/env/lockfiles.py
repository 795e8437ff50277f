"""The lock files: every package of a set of requirements, with its hashes.

People edit ``requirements*.txt``; ``make lock`` compiles the files of ``locks/`` from
them. torch and the libraries of its CUDA build are in no lock: which build is
installed, and so its hash, depends on the machine (``launch.env.torch_build``).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from launch.errors import LaunchError

ROOT = Path(__file__).resolve().parent.parent.parent
#: Packages that no lock holds: torch, and what its build decides.
NOT_LOCKED = re.compile(r"torch|triton|pytorch-triton|(?:nvidia|cuda)-.+")
FINGERPRINT = "# Made for requirements with sha256 "
PIN = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock file and the requirement files it is compiled from, below ``root``."""

    name: str
    inputs: tuple[str, ...]
    #: Installed without its dependencies: see the comment in its requirement file.
    alone: bool = False

    def path(self, root: Path = ROOT) -> Path:
        """Return the path of the lock file."""
        return root / "locks" / f"{self.name}.txt"

    def requirements(self, root: Path = ROOT) -> list[str]:
        """Return the lines of all inputs and of the files they include, sorted."""
        lines: set[str] = set()
        waiting = [root / name for name in self.inputs]
        while waiting:
            path = waiting.pop()
            for line in path.read_text(encoding="utf-8").splitlines():
                if line.startswith("-r "):
                    waiting.append(path.parent / line[3:].strip())
                elif line.strip() and not line.startswith("#"):
                    lines.add(line.strip())
        return sorted(lines)

    def torch(self, root: Path = ROOT) -> str:
        """Return the pin of torch in the requirements; empty without one."""
        wanted = (r for r in self.requirements(root) if r.startswith("torch=="))
        return next(wanted, "")

    def fingerprint(self, root: Path = ROOT) -> str:
        """Return the SHA-256 of the requirements, in hexadecimal digits."""
        text = "\n".join(self.requirements(root))
        return hashlib.sha256(text.encode()).hexdigest()

    def header(self, root: Path = ROOT) -> str:
        """Return the comment at the top of the lock, which holds the fingerprint."""
        made = f"# By `make lock`, of {' '.join(self.inputs)}: change those instead."
        return f"{made}\n{FINGERPRINT}{self.fingerprint(root)}\n"

    def check_is_current(self, root: Path = ROOT) -> None:
        """Raise ``LaunchError`` if the requirements changed since `make lock`."""
        path = self.path(root)
        if not path.is_file():
            raise LaunchError(f"locks/{path.name} is missing; `make lock` makes it.")
        if f"{FINGERPRINT}{self.fingerprint(root)}\n" not in path.read_text("utf-8"):
            raise LaunchError(
                f"locks/{path.name} was made for other requirements than those in "
                f"{' '.join(self.inputs)}; run `make lock`."
            )


_SITE = ("requirements.txt", "requirements-run.txt")
_BENCH = "requirements-bench.txt"
LOCKS = {
    lock.name: lock
    for lock in (
        # First: it holds the packages of all others, which take their versions from it.
        Lock(
            "dev",
            (
                *(*_SITE, "requirements-dev.txt", _BENCH),
                *("requirements-audit.txt", "requirements-uv.txt"),
                "requirements-tracing.txt",
            ),
        ),
        Lock("web", ("requirements-web.txt",)),
        Lock("worker", ("worker/requirements.txt", "requirements-run.txt")),
        Lock("remote", ("worker/requirements-remote.txt",)),
        Lock("run", _SITE),
        Lock("bench", ("requirements.txt", _BENCH)),
        Lock("tracing", ("requirements-tracing.txt",)),
        Lock("audit", ("requirements-audit.txt",)),
        Lock("uv", ("requirements-uv.txt",)),
        Lock("smollm2", ("requirements-smollm2.txt",), alone=True),
    )
}


def pins(text: str) -> set[tuple[str, str]]:
    """Return name and version of every package in a requirement or lock file."""
    return {(normalized(name), version) for name, version in PIN.findall(text)}


def normalized(name: str) -> str:
    """Return a package's name as registries compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
