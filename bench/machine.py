"""The machine of a measurement: its processor, its memory, and the versions on it."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

#: Flags of a processor that decide which of an engine's kernels run, x86 then Arm.
FLAGS = (
    *("avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16"),
    *("amx_int8", "asimddp", "i8mm", "bf16", "sve"),
)
PACKAGES = ("torch", "transformers", "ctranslate2", "xllamacpp")
#: By instruction set, the variables that keep engines from using a newer one.
ISA_VARIABLES = {
    "avx2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "CT2_FORCE_CPU_ISA": "AVX2",
        "CHATSITE_INSTRUCTIONS": "avx2",
    },
}
#: What the variables do not reach.
ISA_NOTE = (
    "llama.cpp's wheel is built for AVX2 and uses nothing newer on any machine;"
    " fbgemm, which multiplies torch's fp16 weights, chooses by itself"
)


def force(isa: str) -> None:
    """Keep the engines of processes that start from now on to an instruction set."""
    os.environ.update(ISA_VARIABLES[isa])


def facts(isa: str, threads: int, bytes_per_second: Iterable[float]) -> dict[str, str]:
    """Return what figures depend on. ``bytes_per_second``: measured, one a round."""
    # Imported late: a process with the earlier engine must not have loaded this one.
    from chatsite.machine import cores, memory_bytes

    speeds, has = [speed / 1e9 for speed in bytes_per_second], _flags()
    return {
        "processor": _processor(),
        "flags": " ".join(flag for flag in FLAGS if flag in has) or "unknown",
        "instructions": f"{isa} forced; {ISA_NOTE}"
        if isa
        else "as each engine chooses",
        "cores": f"{cores()}, {threads} threads",
        "memory": f"{memory_bytes() / 1e9:.0f} GB; read at {_range(speeds)} GB/s",
        "versions": ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
        "system": f"{platform.system()} {platform.release()}, Python"
        f" {platform.python_version()}",
    }


def _range(values: Iterable[float]) -> str:
    ordered = sorted(values)
    return f"{ordered[0]:.0f} to {ordered[-1]:.0f}" if ordered else "unknown"


def _processor() -> str:
    return _cpuinfo().get("model name") or platform.processor() or platform.machine()


def _flags() -> set[str]:
    found = _cpuinfo()
    return set((found.get("flags") or found.get("Features") or "").split())


def _cpuinfo() -> dict[str, str]:
    """Return the first entry of each name in ``/proc/cpuinfo``; empty without it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    pairs = [line.partition(":") for line in reversed(lines) if ":" in line]
    return {name.strip(): value.strip() for name, _, value in pairs}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
