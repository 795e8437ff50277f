"""Weights in the layout that the C source reads, in the precision that it computes in.

A packed weight is one run of bytes. Its output channels are padded to panels of 16 and
its inputs to groups of 64, with zeros. In int8 each channel has one scale for each
group of inputs; ``model.h`` describes the layout.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from worker.engine.decoder import Decoder, Projection
from worker.engine.native.library import Kind

#: As in vectors.h.
PANEL = 16
GROUP = 64
#: The largest weight in int8; -128 is not used.
INT8_MAX = 127
PRECISIONS = {"fp32": Kind.FP32, "fp16": Kind.FP16, "int8": Kind.INT8}


@dataclass(frozen=True, slots=True, eq=False)
class PackedProjection:
    """A linear layer, packed."""

    weight: Tensor  # uint8 [bytes]
    bias: Tensor  # float32 [channels]


def pack(
    projection: Projection, precision: str, *, is_gated: bool = False
) -> PackedProjection:
    """Pack one linear layer.

    ``precision``: a key of ``PRECISIONS``. ``is_gated``: the rows are those of gate and
    up projection, stacked; their panels are packed alternately.

    Raises ``ValueError`` if a weight is too large for the precision or not finite.
    """
    parts = projection.weight.chunk(2) if is_gated else (projection.weight,)
    bias = projection.bias
    if bias is None:
        bias = projection.weight.new_zeros(len(projection.weight))
    biases = bias.chunk(2) if is_gated else (bias,)
    panels = torch.stack([_panels(part) for part in parts], 1).flatten(0, 1)
    if not panels.isfinite().all():
        raise ValueError("a weight is not a finite number")
    return PackedProjection(
        weight=_bytes(_encode(panels, Kind(PRECISIONS[precision]))),
        bias=torch.stack([_pad(part, PANEL, 0).view(-1, PANEL) for part in biases], 1)
        .flatten()
        .contiguous(),
    )


def pack_decoder(decoder: Decoder, precision: str) -> dict[str, PackedProjection]:
    """Pack all linear layers of a model, each under its name: ``3.qkv``, ``output``."""
    return {
        name: pack(one, precision, is_gated=decoder.is_gated and name.endswith(".up"))
        for name, one in decoder.projections()
    }


def padded(size: int, multiple: int) -> int:
    """Return the next multiple."""
    return -(-size // multiple) * multiple


def _pad(tensor: Tensor, multiple: int, dim: int) -> Tensor:
    missing = padded(tensor.shape[dim], multiple) - tensor.shape[dim]
    # functional.pad counts dimensions from the last one.
    sides = [0, 0] * (tensor.dim() - 1 - dim) + [0, missing]
    return functional.pad(tensor, sides)


def _panels(weight: Tensor) -> Tensor:
    """Return a weight [out, in], padded, as [panels, PANEL, inputs]."""
    whole = _pad(_pad(weight.float(), PANEL, 0), GROUP, 1)
    return whole.view(-1, PANEL, whole.shape[1])


def _encode(panels: Tensor, kind: Kind) -> Tensor:
    if kind == Kind.FP32:
        return panels.transpose(1, 2)  # [panels, inputs, PANEL]
    if kind == Kind.FP16:
        half = panels.half()
        if not half.isfinite().all():
            raise ValueError("a weight is too large for half precision")
        return half.transpose(1, 2)
    groups = panels.unflatten(2, (-1, GROUP))  # [panels, PANEL, groups, GROUP]
    scales = groups.abs().amax(3) / INT8_MAX  # [panels, PANEL, groups]
    steps = groups / scales.clamp_min(torch.finfo().tiny)[..., None]
    integers = steps.round().clamp(-INT8_MAX, INT8_MAX).to(torch.int8)
    # Panels, groups, pairs of inputs, PANEL channels, the two inputs.
    pairs = integers.unflatten(3, (-1, 2)).permute(0, 2, 3, 1, 4)
    return torch.cat(
        [
            scales.transpose(1, 2).contiguous().view(torch.uint8),
            pairs.flatten(2).view(torch.uint8),
        ],
        2,
    )  # [panels, groups, bytes]


def _bytes(tensor: Tensor) -> Tensor:
    return tensor.contiguous().view(torch.uint8).flatten()
