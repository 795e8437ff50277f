"""Makes each fault of the catalogue in a copy of the checkout and runs its tests.

    python -m tests.mutations [--only SUBJECT] [--jobs 2]

Ends with 0 if every fault was found, 1 if one survived, 2 if the catalogue is out of
date or a test fails without any fault.
"""

from __future__ import annotations

import argparse
import os
import queue
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.mutations.catalogue import MUTATIONS, Mutation

ROOT = Path(__file__).resolve().parents[2]
OUT_OF_DATE = 2
#: How pytest ends where a test failed; other ends mean that it could not run them.
PASSED, FAILED = 0, 1


@dataclass(frozen=True, slots=True)
class Verdict:
    mutation: Mutation
    status: int
    said: str

    @property
    def word(self) -> str:
        return {PASSED: "SURVIVED", FAILED: "killed"}.get(self.status, "NOT RUN")


def missing(mutations: Sequence[Mutation]) -> list[str]:
    """What of the catalogue does not stand exactly once in its file, or is gone."""
    found = []
    for one in mutations:
        path = ROOT / one.path
        times = path.read_text().count(one.old) if path.exists() else 0
        if times != 1:
            found.append(f"{one.path}: {times} times: {one.old.strip()}")
        tests = {ROOT / test.partition("::")[0] for test in one.tests}
        found += [f"{test} is gone" for test in tests if not test.exists()]
    return found


@contextmanager
def copy_of_checkout() -> Iterator[Path]:
    """A copy of all files that git would take, without its history."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder:
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                target = Path(folder, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, target)
        yield Path(folder)


def run_tests(folder: Path, tests: Sequence[str]) -> tuple[int, str]:
    """Run these until the first fails; how pytest ended, and what it said."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:randomly"]
    ran = subprocess.run(
        [*command, "-p", "no:cacheprovider", *tests],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.returncode, ran.stdout + ran.stderr


def verdict_of(mutation: Mutation, folder: Path) -> Verdict:
    """Make the fault, run its tests, and take it back."""
    path = folder / mutation.path
    whole = path.read_text()
    path.write_text(whole.replace(mutation.old, mutation.new))
    try:
        return Verdict(mutation, *run_tests(folder, mutation.tests))
    finally:
        path.write_text(whole)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutations")
    parser.add_argument("--only", default="", help="a subject, or part of a path")
    parser.add_argument("--jobs", type=int, default=min(4, os.cpu_count() or 1))
    parser.add_argument(
        "--trust", action="store_true", help="run no tests without a fault first"
    )
    asked = parser.parse_args(arguments)
    chosen = [one for one in MUTATIONS if asked.only in f"{one.subject} {one.path}"]
    if wrong := missing(chosen):
        print("The catalogue is out of date:", *wrong, sep="\n  ")
        return OUT_OF_DATE
    if not asked.trust and (said := failure_without_a_fault(chosen)):
        print(said, "A test fails without any fault.", sep="\n")
        return OUT_OF_DATE
    return report(judged(chosen, asked.jobs))


def failure_without_a_fault(mutations: Sequence[Mutation]) -> str:
    """What pytest says of the code as it stands; empty if all tests pass."""
    tests = sorted({test for one in mutations for test in one.tests})
    print(f"Without a fault: {len(tests)} files of tests", flush=True)
    with copy_of_checkout() as folder:
        status, said = run_tests(folder, tests)
    return "" if status == PASSED else said[-4000:]


def judged(mutations: Sequence[Mutation], jobs: int) -> Iterator[Verdict]:
    """The verdicts, in order; each job has a copy of its own."""
    folders: queue.SimpleQueue[Path] = queue.SimpleQueue()

    def judge(mutation: Mutation) -> Verdict:
        folder = folders.get()
        try:
            return verdict_of(mutation, folder)
        finally:
            folders.put(folder)

    with ThreadPoolExecutor(jobs) as pool, copies(jobs) as made:
        for folder in made:
            folders.put(folder)
        yield from pool.map(judge, mutations)


@contextmanager
def copies(count: int) -> Iterator[list[Path]]:
    if count == 0:
        yield []
        return
    with copy_of_checkout() as first, copies(count - 1) as others:
        yield [first, *others]


def report(verdicts: Iterator[Verdict]) -> int:
    found = []
    for one in verdicts:
        found.append(one)
        mutation = one.mutation
        what = " ".join(mutation.old.split())
        print(f"{one.word:9}{mutation.subject:12}{mutation.path}: {what}", flush=True)
        if one.status not in (PASSED, FAILED):
            print(one.said[-2000:])
    killed = [one for one in found if one.status == FAILED]
    print(f"{len(killed)} of {len(found)} faults were found")
    return PASSED if len(killed) == len(found) else FAILED


if __name__ == "__main__":
    sys.exit(main())
