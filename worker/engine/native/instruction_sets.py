"""The instruction sets that the C source is compiled for; those of this machine."""

from __future__ import annotations

import os
import platform
from pathlib import Path

#: Options of the compiler for each, the fastest first.
FLAGS = {
    "avx512": (
        *("-mavx2", "-mfma", "-mf16c", "-mavx512f", "-mavx512bw", "-mavx512vl"),
        "-mavx512vnni",
    ),
    "avx2": ("-mavx2", "-mfma", "-mf16c"),
    "neon": (),
    "plain": (),
}
#: What /proc/cpuinfo calls what they need.
CPU_FLAGS = {
    "avx512": {"avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx2", "fma", "f16c"},
    "avx2": {"avx2", "fma", "f16c"},
}
#: Names one of ``FLAGS`` to use instead of the fastest, to test or to measure it.
VARIABLE = "CHATSITE_INSTRUCTIONS"


def available() -> list[str]:
    """Return those that this machine has, the fastest first; the last is ``plain``."""
    if platform.machine() in ("aarch64", "arm64"):
        return ["neon"]
    flags = _cpu_flags()
    return [*(name for name, needed in CPU_FLAGS.items() if needed <= flags), "plain"]


def choose() -> str:
    """Return the fastest, or the one that ``CHATSITE_INSTRUCTIONS`` names.

    Raises ``ValueError`` if the machine does not have that one.
    """
    found = available()
    name = os.environ.get(VARIABLE) or found[0]
    if name not in found:
        raise ValueError(f"{VARIABLE}={name}: this machine has {', '.join(found)}.")
    return name


def _cpu_flags() -> set[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        return set()
    return next(
        ({*line.partition(":")[2].split()} for line in lines if line[:5] == "flags"),
        set(),
    )
