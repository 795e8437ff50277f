"""Builds the C source once per machine, with the compiler that the machine has."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from worker.engine.kept_files import mark_used
from worker.engine.native.instruction_sets import FLAGS

SOURCES = Path(__file__).parent
COMPILERS = ("cc", "gcc", "clang")
#: The compiler may not fuse a product and a sum on its own: the results of one token
#: must not depend on how many tokens a loop was compiled for.
COMMON_FLAGS = (
    *("-std=c11", "-O3", "-fPIC", "-shared", "-pthread"),
    *("-ffp-contract=off", "-fno-math-errno"),
)
LIMIT_SECONDS = 120


class NativeUnavailable(Exception):
    """The forward pass in C cannot be used here; the message says why, in one line."""


def build(folder: Path, instructions: str) -> Path:
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
        try:
            _compile(library, flags)
        except OSError as error:
            raise NativeUnavailable(f"{folder}: {error.strerror}") from error
    mark_used(library)
    return library


def find_compiler() -> str | None:
    """Return the path of a C compiler, or None."""
    return next(filter(None, map(shutil.which, COMPILERS)), None)


def _compile(library: Path, flags: tuple[str, ...]) -> None:
    compiler = find_compiler()
    if compiler is None:
        raise NativeUnavailable("no C compiler")
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
    try:
        done = subprocess.run(
            command,
            timeout=LIMIT_SECONDS,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NativeUnavailable(
            f"{command[0]} took more than {LIMIT_SECONDS} seconds"
        ) from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "error" in line]
        reason = (lines or [f"exit status {done.returncode}"])[0]
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
