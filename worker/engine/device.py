"""The device on which a model runs, and its floating-point type there."""

from __future__ import annotations

import re

import torch

from worker.engine.interface import ModelUnavailable


def pick_device(name: str) -> torch.device:
    """Return the device for ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.

    Raises ``ModelUnavailable`` if the machine does not have it.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda:0")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    if not re.fullmatch(r"cpu|mps|cuda(:\d+)?", name):
        raise ModelUnavailable(
            f"There is no device {name!r}: use auto, cpu, cuda, cuda:N or mps."
        )
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ModelUnavailable(
            f"The device {name} is not here: torch {torch.__version__}"
            f" sees {torch.cuda.device_count()} CUDA devices."
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ModelUnavailable("The device mps is not here.")
    return device


def pick_dtype(device: torch.device) -> torch.dtype:
    """Return float32 for a CPU, where half precision is slower; else a half type."""
    if device.type == "cpu":
        return torch.float32
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.bfloat16
    return torch.float16
