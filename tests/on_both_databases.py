"""Runs all tests on SQLite and, beside them, those that use the database on PostgreSQL.

Some tests wait for real processes and clocks, and time out on a busy machine: what
failed beside others is tried once more alone, and fails if it fails again.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

#: Has a cache of its own, which remembers what failed there.
POSTGRES_CACHE = Path(".pytest_cache/postgres")
#: What pytest keeps of the tests of a folder, once they were collected.
COMPILED = "__pycache__/conftest.*-pytest-*.pyc"
#: Two parts of about the same size, by what they import.
HALVES = (("tests/chat", "tests/browser"), ("tests/worker", "tests/bench"))
ALONE = ("--last-failed", "--last-failed-no-failures", "none")


@dataclass(frozen=True)
class Suite:
    """Some tests on one database."""

    database: str
    arguments: tuple[str, ...] = ()

    def start(
        self, *arguments: str, output: IO[str] | None = None
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            (sys.executable, "-m", "pytest", *self.arguments, *arguments),
            env={**os.environ, "TEST_DATABASE": self.database},
            stdout=output,
            text=True,
        )

    def passes_alone(self) -> bool:
        print(f"Once more, alone, what failed on {self.database}:", flush=True)
        return self.start(*ALONE).wait() == 0


def compile_once() -> None:
    """Compile tests and libraries before the first run in a checkout.

    Otherwise all test processes import the same modules at the same time, and each
    compiles them for itself: a process takes three times as long to begin.
    """
    if sys.dont_write_bytecode:
        return
    command = (sys.executable, "-m", "pytest", "--quiet", "--collect-only")
    for process in [
        subprocess.Popen((*command, *half), stdout=subprocess.DEVNULL)
        for half in HALVES
        if not any(Path(half[0]).glob(COMPILED))
    ]:
        process.wait()


def main(tests: Sequence[str], on_postgres: Sequence[str], jobs: int) -> bool:
    """Return whether every test passed, at the latest alone."""
    sqlite = Suite("sqlite", tuple(tests))
    if not on_postgres:
        return sqlite.start(*_at_once(jobs)).wait() == 0 or sqlite.passes_alone()
    compile_once()
    cache = ("-o", f"cache_dir={POSTGRES_CACHE}")
    postgres = Suite("postgres", (*cache, *on_postgres))
    POSTGRES_CACHE.mkdir(parents=True, exist_ok=True)
    with (POSTGRES_CACHE / "output.txt").open("w+") as output:
        beside = postgres.start(*_at_once(max(1, jobs // 2)), output=output)
        is_sqlite_good = sqlite.start(*_at_once(jobs)).wait() == 0
        is_postgres_good = beside.wait() == 0
        output.seek(0)
        print("On PostgreSQL:", output.read(), sep="\n", flush=True)
    is_sqlite_good = is_sqlite_good or sqlite.passes_alone()
    is_postgres_good = is_postgres_good or postgres.passes_alone()
    return is_sqlite_good and is_postgres_good


def _at_once(processes: int) -> tuple[str, ...]:
    return "-n", str(processes)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, required=True, help="processes on SQLite")
    parser.add_argument("--on-postgres", default="", help="what runs there too")
    parser.add_argument("tests", nargs="*", help="what pytest is told on SQLite")
    given = parser.parse_args()
    is_good = main(given.tests, given.on_postgres.split(), given.jobs)
    sys.exit(0 if is_good else 1)
