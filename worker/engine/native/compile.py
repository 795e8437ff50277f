"""Builds the C source once per machine, with the compiler that the machine has."""

from __future__ import annotations

import hashlib
import os
import platform
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from chatsite.machine import find_compilers
from worker.engine.interface import OnStep, ignore_step
from worker.engine.kept_files import mark_used
from worker.engine.native.instruction_sets import FLAGS

SOURCES = Path(__file__).parent
#: The compiler may not fuse a product and a sum on its own: the results of one token
#: must not depend on how many tokens a loop was compiled for.
COMMON_FLAGS = (
    *("-std=c11", "-O3", "-fPIC", "-shared", "-pthread"),
    *("-ffp-contract=off", "-fno-math-errno"),
)
LIMIT_SECONDS = 120
#: Why nothing can be built on a machine without any of them.
NO_COMPILER = "no C compiler"
STEP = "Building the fast path for this processor (once, some seconds)."
#: Why a compiler could not build a library in this process: it is not tried again for
#: the next precision.
_failed: dict[tuple[Path, str], str] = {}


class NativeUnavailable(Exception):
    """The forward pass in C cannot be used here; the message says why, in one line."""


def build(folder: Path, instructions: str, on_step: OnStep = ignore_step) -> Path:
    """Return the shared library for these instructions; build it if it is not there.

    ``folder``: where builds are kept. The name of a build contains a digest of all that
    it is made of, and its last bytes are a digest of those before, so one that is
    damaged is built again. A build appears whole or not at all: processes may build at
    once. ``instructions``: a name in ``instruction_sets.FLAGS``.

    Raises ``NativeUnavailable``.
    """
    flags = (*COMMON_FLAGS, *FLAGS[instructions])
    library = folder / f"engine-{instructions}-{_digest(flags)}.so"
    if not _is_whole(library):
        _compile_by_any(library, flags, on_step)
    mark_used(library)
    return library


def _compile_by_any(library: Path, flags: tuple[str, ...], on_step: OnStep) -> None:
    """Build with the first compiler that can; raise why the first of them cannot."""
    problems = []
    for compiler in find_compilers():
        if (library, compiler) not in _failed:
            on_step(STEP)
            try:
                return _compile(compiler, library, flags)
            except OSError as error:
                reason = f"{library.parent}: {error.strerror}"
                raise NativeUnavailable(reason) from error
            except NativeUnavailable as error:
                _failed[library, compiler] = str(error)
        problems.append(_failed[library, compiler])
    raise NativeUnavailable(problems[0] if problems else NO_COMPILER)


def _compile(compiler: str, library: Path, flags: tuple[str, ...]) -> None:
    library.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=library.parent, suffix=".partial")
    try:
        _run((compiler, *flags, str(SOURCES / "step.c"), "-o", name, "-lm"))
        # By name: the linker may have put another file in the place of ours. What
        # follows the library is ignored when it is loaded.
        with open(name, "r+b") as built:
            built.write(hashlib.sha256(built.read()).digest())
            built.flush()
            os.fsync(built.fileno())
        os.replace(name, library)
    finally:
        os.close(handle)
        Path(name).unlink(missing_ok=True)


def _is_whole(library: Path) -> bool:
    """Return whether a build is there and as it was made."""
    try:
        content = library.read_bytes()
    except OSError:
        return False
    size = hashlib.sha256().digest_size
    return hashlib.sha256(content[:-size]).digest() == content[-size:]


def _run(command: tuple[str, ...]) -> None:
    """Run a compiler, with messages in English, and end all that it started."""
    try:
        started = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C"},
            process_group=0,
        )
    except OSError as error:
        raise NativeUnavailable(
            f"{command[0]} cannot be run: {error.strerror}"
        ) from error
    with started:
        try:
            _, said = started.communicate(timeout=LIMIT_SECONDS)
        except subprocess.TimeoutExpired as error:
            with suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)
            raise NativeUnavailable(
                f"{command[0]} took more than {LIMIT_SECONDS} seconds"
            ) from error
    if started.returncode:
        lines = said.decode(errors="replace").splitlines()
        reasons = [line for line in lines if "error" in line or "failed" in line]
        reason = (reasons or [f"exit status {started.returncode}"])[0]
        raise NativeUnavailable(f"{command[0]} failed: {reason}")


def _digest(flags: tuple[str, ...]) -> str:
    """Return a digest of the sources, the flags and the kind of machine."""
    digest = hashlib.sha256()
    system = (sys.platform, platform.machine(), *platform.libc_ver())
    for part in (*flags, *system):
        digest.update(f"{part}\n".encode())
    for path in sorted((*SOURCES.glob("*.c"), *SOURCES.glob("*.h"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
