"""Compiles the lock files from the requirements: ``make lock``.

A locked version stays as it is unless the requirements ask for another one. With
``--upgrade`` every package that they leave open gets its newest version.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from launch.env.lockfiles import LOCKS, NOT_LOCKED, ROOT, Lock, normalized, pins
from launch.errors import LaunchError

OLDEST = "3.11"


def main(options: list[str]) -> int:
    """Compile all locks. ``options`` are passed on to ``uv pip compile``."""
    try:
        for lock in LOCKS.values():
            path = lock.path()
            path.parent.mkdir(exist_ok=True)
            text = resolved(lock, options)
            path.write_text(lock.header() + text, encoding="utf-8")
            print(f"locks/{path.name}: {len(pins(text))} packages", flush=True)
    except LaunchError as error:
        print(error, file=sys.stderr)
        return error.status
    return 0


def resolved(lock: Lock, options: list[str]) -> str:
    """Return the text of a lock: for all machines, with hashes, without torch."""
    with tempfile.TemporaryDirectory() as folder:
        # uv keeps the versions that it finds in the output file.
        output = Path(folder) / "lock.txt"
        if lock.path().is_file():
            output.write_text(lock.path().read_text("utf-8"), encoding="utf-8")
        command = [
            *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal"),
            *("--python-version", OLDEST, "--generate-hashes"),
            *("--no-header", "--annotation-style=line", "--output-file", str(output)),
            *(["--no-deps"] if lock.alone else _same_versions(lock)),
            *options,
            *lock.inputs,
        ]
        if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
            raise LaunchError(f"uv could not make locks/{lock.name}.txt; see above.")
        return without_torch(output.read_text(encoding="utf-8"))


def _same_versions(lock: Lock) -> list[str]:
    """Return the option that gives a package the same version in all locks."""
    first = next(iter(LOCKS.values()))
    return [] if lock is first else ["--constraint", str(first.path())]


def without_torch(text: str) -> str:
    """Return the text without torch and the libraries that its build needs."""
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)
    name = re.compile(r"[A-Za-z0-9_.-]+")
    return "".join(
        block
        for block in blocks
        if not ((m := name.match(block)) and NOT_LOCKED.fullmatch(normalized(m[0])))
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
