"""The C source under the sanitizers of the compiler: addresses, undefined, threads."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from worker.engine.native import instruction_sets
from worker.engine.native.compile import COMMON_FLAGS, SOURCES

DRIVER = Path(__file__).with_name("sanitized.c")


#: Threads work alike with all instructions; compiling takes the time.
CASES = [(one, "address,undefined") for one in instruction_sets.available()]
CASES += [(instruction_sets.available()[0], "thread")]


@pytest.mark.parametrize(("instructions", "sanitizers"), CASES)
def test_the_sanitizers_find_nothing(
    compiler: str, tmp_path: Path, instructions: str, sanitizers: str
) -> None:
    program = tmp_path / "sanitized"
    flags = (flag for flag in COMMON_FLAGS if flag not in ("-shared", "-O3"))
    options = ("-O1", "-g", f"-fsanitize={sanitizers}", "-fno-sanitize-recover=all")
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
