"""The instruction sets that the C source is compiled for; those of this machine."""

from __future__ import annotations

import os
import platform
from pathlib import Path

#: Options of the compiler for each.
FLAGS = {
    "avx512": (
        *("-mavx2", "-mfma", "-mf16c", "-mavx512f", "-mavx512bw", "-mavx512vl"),
        "-mavx512vnni",
    ),
    "avx2": ("-mavx2", "-mfma", "-mf16c"),
    "neon": (),
    "plain": (),
}
#: What /proc/cpuinfo calls what they need, the fastest first.
CPU_FLAGS = {
    "avx512": {"avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx2", "fma", "f16c"},
    "avx2": {"avx2", "fma", "f16c"},
}
#: Names one of ``FLAGS`` to use instead of the fastest, to test or to measure it.
VARIABLE = "CHATSITE_INSTRUCTIONS"


def available() -> list[str]:
    """Return those that this machine has, the fastest first.

    Elsewhere than on Arm the last is ``plain``, which any processor has.
    """
    if platform.machine() in ("aarch64", "arm64"):
        return ["neon"]
    flags = _cpu_flags()
    return [*(name for name, needed in CPU_FLAGS.items() if needed <= flags), "plain"]


def candidates() -> list[str]:
    """Return what to build for, the best first, as an old compiler may not know it.

    That is the one that ``CHATSITE_INSTRUCTIONS`` names, or all that this machine has
    by name. Raises ``ValueError`` if it does not have the one that is named.
    """
    found = available()
    if not (name := os.environ.get(VARIABLE)):
        return found[:-1] or found
    if name not in found:
        raise ValueError(f"{VARIABLE}={name}: this machine has {', '.join(found)}.")
    return [name]


def _cpu_flags() -> set[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        return set()
    return next(
        ({*line.partition(":")[2].split()} for line in lines if line[:5] == "flags"),
        set(),
    )
