"""The C source under the sanitizers of the compiler: addresses, undefined, threads."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.environment import IS_SOAK
from worker.engine.native import instruction_sets
from worker.engine.native.compile import COMMON_FLAGS, SOURCES

DRIVER = Path(__file__).with_name("sanitized.c")


#: Most of the time is compiling, so only `make soak` tries more than one set and looks
#: for races.
TRIED = instruction_sets.available()[: None if IS_SOAK else 1]
KINDS = ("address,undefined", "thread")[: None if IS_SOAK else 1]
CASES = [(one, kind) for one in TRIED for kind in KINDS]


@pytest.mark.parametrize(("instructions", "sanitizers"), CASES)
def test_the_sanitizers_find_nothing(
    compiler: str, tmp_path: Path, instructions: str, sanitizers: str
) -> None:
    program = tmp_path / "sanitized"
    flags = (flag for flag in COMMON_FLAGS if flag not in ("-shared", "-O3"))
    options = ("-O1", "-g", f"-fsanitize={sanitizers}", "-fno-sanitize-recover=all")
    # Threads that do at once what others have begun meet each other most often.
    options = (*options, "-DREPEAT_AFTER=0")
    source = (f"-I{SOURCES}", str(DRIVER), "-o", str(program), "-lm")
    built = subprocess.run(
        (compiler, *flags, *options, *instruction_sets.FLAGS[instructions], *source),
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    done = subprocess.run(
        (str(program),),
        capture_output=True,
        text=True,
        check=False,
        env={"ASAN_OPTIONS": "detect_leaks=0"},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "whole\n", "")
