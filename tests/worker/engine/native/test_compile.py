"""Building the C source: once, whole or not at all, and without a compiler."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.environment import IS_SOAK
from tests.launch.process_tree import eventually
from worker.engine.native import compile as compile_module
from worker.engine.native import instruction_sets
from worker.engine.native.compile import NativeUnavailable, build
from worker.engine.native.library import build_and_load, load_library

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(autouse=True)
def _is_not_optimised(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which takes a sixth of the time; ``builds`` are made with the true flags."""
    flags = ("-O0" if flag == "-O3" else flag for flag in compile_module.COMMON_FLAGS)
    monkeypatch.setattr(compile_module, "COMMON_FLAGS", (*flags,))


def fake_compiler(folder: Path, script: str) -> Path:
    """Make a program `cc`; the folder is then the only one on the path."""
    folder.mkdir()
    program = folder / "cc"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(stat.S_IRWXU)
    return folder


def test_the_library_is_built_once(
    compiler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = build(tmp_path / "new", "plain")
    load_library(library)
    assert [*(tmp_path / "new").iterdir()] == [library]
    monkeypatch.setenv("PATH", str(tmp_path))  # no compiler any more
    assert build(tmp_path / "new", "plain") == library


@pytest.mark.skipif(not IS_SOAK, reason="many processes; see SOAK")
def test_processes_that_build_at_once_do_no_harm(compiler: str, tmp_path: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "from worker.engine.native.compile import build\n"
        "from worker.engine.native.library import load_library\n"
        "load_library(build(pathlib.Path(sys.argv[1]), 'plain'))\n"
    )
    command = (sys.executable, "-c", code, str(tmp_path))
    with ThreadPoolExecutor() as pool:
        ends = [pool.submit(subprocess.run, command, cwd=ROOT) for _ in range(3)]
        assert [end.result().returncode for end in ends] == [0, 0, 0]
    assert len([*tmp_path.iterdir()]) == 1


def test_without_a_compiler_there_is_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NativeUnavailable, match=r"^no C compiler$"):
        build(tmp_path, "plain")


def test_a_compiler_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "echo 'step.c:1: error: no such header' >&2; exit 1"
    programs = fake_compiler(tmp_path / "bin", script)
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(NativeUnavailable, match="no such header"):
        build(tmp_path / "builds", "plain")
    assert [*(tmp_path / "builds").iterdir()] == []


def test_a_compiler_that_hangs_is_ended_and_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f"echo $$ >> {tmp_path}/runs; /bin/sleep 600; true"
    monkeypatch.setenv("PATH", str(fake_compiler(tmp_path / "bin", script)))
    monkeypatch.setattr("worker.engine.native.compile.LIMIT_SECONDS", 0.3)
    for _ in range(2):
        with pytest.raises(NativeUnavailable, match="took more than"):
            build(tmp_path / "builds", "plain")
    (group,) = (int(line) for line in (tmp_path / "runs").read_text().split())

    def is_gone() -> bool:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        return False

    eventually(is_gone, 20, "end of what the compiler started")


def test_where_one_compiler_fails_the_next_one_builds(
    compiler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = fake_compiler(tmp_path / "bin", "exit 1")
    (programs / "clang").write_text(f'#!/bin/sh\nexec {compiler} "$@"\n')
    (programs / "clang").chmod(stat.S_IRWXU)
    for tool in ("as", "ld"):
        (programs / tool).symlink_to(shutil.which(tool) or "")
    monkeypatch.setenv("PATH", str(programs))
    load_library(build(tmp_path / "builds", "plain"))


def test_a_compiler_that_cannot_be_run_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = fake_compiler(tmp_path / "bin", "")
    (programs / "cc").write_text("#!/no/such/interpreter\n")
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(NativeUnavailable, match=r"bin/cc cannot be run: No such file"):
        build(tmp_path / "builds", "plain")


def test_a_library_without_the_functions_is_a_reason_and_is_not_kept(
    compiler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "none.c").write_text("int nothing;")
    script = (
        'while [ "$1" != -o ]; do shift; done\n'
        f'exec {compiler} -shared -fPIC {tmp_path}/none.c -o "$2"'
    )
    programs = fake_compiler(tmp_path / "bin", script)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    with pytest.raises(NativeUnavailable, match="engine_open"):
        build_and_load(tmp_path / "builds")
    # Another process builds it again; this one still has the other one loaded.
    assert [*(tmp_path / "builds").iterdir()] == []


def test_a_build_that_was_interrupted_is_begun_again(
    compiler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The compiler kills itself after half of the file, and the builder with it."""
    script = (
        'while [ "$1" != -o ]; do shift; done\n'
        f'echo half > "$2"; {"/bin/"}kill -9 $PPID'
    )
    programs = fake_compiler(tmp_path / "bin", script)
    code = (
        "import sys, pathlib\n"
        "from worker.engine.native.compile import build\n"
        "build(pathlib.Path(sys.argv[1]), 'plain')\n"
    )
    command = (sys.executable, "-c", code, str(tmp_path / "builds"))
    killed = subprocess.run(command, cwd=ROOT, env={"PATH": str(programs)}, check=False)
    assert killed.returncode == -9
    assert [path.suffix for path in (tmp_path / "builds").iterdir()] == [".partial"]
    load_library(build(tmp_path / "builds", "plain"))


def test_a_folder_that_cannot_be_written_is_a_reason(
    compiler: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NativeUnavailable):
        build(tmp_path / "file" / "builds", "plain")


def test_a_library_that_is_none_is_a_reason(tmp_path: Path) -> None:
    (tmp_path / "engine.so").write_bytes(os.urandom(64))
    with pytest.raises(NativeUnavailable, match=r"engine\.so cannot be loaded"):
        load_library(tmp_path / "engine.so")


def test_instructions_that_this_machine_lacks_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(instruction_sets.VARIABLE, "vax")
    with pytest.raises(ValueError, match="CHATSITE_INSTRUCTIONS=vax"):
        instruction_sets.candidates()
    monkeypatch.delenv(instruction_sets.VARIABLE)
    assert instruction_sets.candidates()[0] == instruction_sets.available()[0]


def test_a_compiler_that_does_not_know_the_best_instructions_builds_for_the_next(
    compiler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    best, *others = instruction_sets.available()
    option = instruction_sets.FLAGS[best][-1]
    script = f'case "$*" in *{option}*) echo "error: {option}" >&2; exit 1;; esac\n'
    programs = fake_compiler(tmp_path / "bin", f'{script}exec {compiler} "$@"')
    (programs / "as").symlink_to(shutil.which("as") or "")
    (programs / "ld").symlink_to(shutil.which("ld") or "")
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(instruction_sets, "available", lambda: [best, *others, "plain"])
    _, path = build_and_load(tmp_path / "builds")
    assert path.name.startswith(f"engine-{others[0]}-")


def test_a_damaged_library_is_built_again(compiler: str, tmp_path: Path) -> None:
    library = build(tmp_path, "plain")
    whole = library.read_bytes()
    for damaged in (b"", whole[:-1], whole[: len(whole) // 2], b"x" + whole[1:]):
        library.unlink()  # it is still mapped into this process
        library.write_bytes(damaged)
        load_library(build(tmp_path, "plain"))
        assert len(library.read_bytes()) == len(whole)
