"""The functions of the built C library, and its structures, by ``ctypes``."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_double, c_float, c_int, c_int32, c_void_p
from enum import IntEnum
from pathlib import Path
from typing import Any

from worker.engine.interface import OnStep, ignore_step
from worker.engine.native import instruction_sets
from worker.engine.native.compile import NativeUnavailable, build


class Kind(IntEnum):
    """How the weights of a projection are stored."""

    FP32 = 0
    FP16 = 1
    INT8 = 2


class Outcome(IntEnum):
    """What a step or a row that is drawn from ends with."""

    OK = 0
    NO_MEMORY = 1
    OUT_OF_RANGE = 2
    NOT_FINITE = 3


class NormStruct(ctypes.Structure):
    """``Norm`` of model.h."""

    _fields_ = (("weight", c_void_p), ("bias", c_void_p))


class ProjectionStruct(ctypes.Structure):
    """``Projection`` of model.h."""

    _fields_ = (
        ("kind", c_int32),
        ("inputs", c_int32),
        ("channels", c_int32),
        ("weight", c_void_p),
        ("bias", c_void_p),
    )


class BlockStruct(ctypes.Structure):
    """``Block`` of model.h."""

    _fields_ = (
        ("attention_norm", NormStruct),
        ("qkv", ProjectionStruct),
        ("attention_output", ProjectionStruct),
        ("mlp_norm", NormStruct),
        ("up", ProjectionStruct),
        ("down", ProjectionStruct),
    )


class ModelStruct(ctypes.Structure):
    """``Model`` of model.h."""

    _fields_ = (
        *((name, c_int32) for name in ("layers", "width", "hidden")),
        *((name, c_int32) for name in ("heads", "key_heads", "head_size")),
        *((name, c_int32) for name in ("vocabulary", "context", "is_gated")),
        ("epsilon", c_float),
        *((name, c_void_p) for name in ("embedding", "positions")),
        *((name, c_void_p) for name in ("rotary_cos", "rotary_sin")),
        ("final_norm", NormStruct),
        ("output", ProjectionStruct),
        ("blocks", POINTER(BlockStruct)),
    )


class BatchStruct(ctypes.Structure):
    """``Batch`` of model.h."""

    _fields_ = (
        ("tokens", c_int32),
        ("sampled", c_int32),
        *((name, c_void_p) for name in ("ids", "rows", "positions", "last")),
        ("cache_rows", c_int32),
        ("cache_tokens", c_int32),
        ("is_half_cache", c_int32),
        ("layers", POINTER(c_void_p)),
        ("logits", c_void_p),
    )


class DrawStruct(ctypes.Structure):
    """``Draw`` of model.h."""

    _fields_ = (
        *((name, c_int32) for name in ("rows", "vocabulary", "size")),
        *((name, c_void_p) for name in ("logits", "numbers", "factors")),
        *((name, c_void_p) for name in ("top", "tokens", "masses", "outcomes")),
        *((name, c_void_p) for name in ("keys", "bounds", "noisy", "counts")),
    )


def build_and_load(folder: Path, on_step: OnStep = ignore_step) -> tuple[Any, Path]:
    """Return the library for the best instructions that it can be built for; its path.

    ``folder``: where builds are kept. Raises ``NativeUnavailable`` with the reason of
    the best one, and ``ValueError`` for instructions that the machine does not have.
    """
    reasons = []
    for instructions in instruction_sets.candidates():
        try:
            path = build(folder, instructions, on_step)
            return load_library(path), path
        except NativeUnavailable as reason:
            reasons.append(reason)
    raise reasons[0]


def load_library(path: Path) -> Any:
    """Return the library with the types of its functions set.

    Raises ``NativeUnavailable``.
    """
    try:
        library = ctypes.CDLL(str(path))
        library.engine_open.argtypes = (POINTER(ModelStruct), c_int)
        library.engine_open.restype = c_void_p
        library.engine_step.argtypes = (c_void_p, POINTER(BatchStruct))
        library.engine_step.restype = c_int
        library.engine_draw.argtypes = (c_void_p, POINTER(DrawStruct))
        library.engine_draw.restype = None
        library.engine_mass_above.argtypes = (
            *(c_void_p, c_int32, c_int32, c_float, c_float),
        )
        library.engine_mass_above.restype = c_double
        library.engine_close.argtypes = (c_void_p,)
        library.engine_close.restype = None
    except (OSError, AttributeError) as error:
        # Whole, as it was made, but of no use: the next start builds it again.
        path.unlink(missing_ok=True)
        raise NativeUnavailable(f"{path.name} cannot be loaded: {error}") from error
    return library
