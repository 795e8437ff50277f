"""Linear layers that compute the same as a model's own, faster on a CPU.

Generation multiplies large weight matrices by a few rows, and BLAS libraries are tuned
for many rows. Two libraries that torch includes store a weight once in a layout of
their own, for kernels that are as fast with few:

- oneDNN, in float32. On two cores of an AMD EPYC, GPT-2's output layer takes 33 ms for
  32 rows with ``functional.linear`` on MKL and 13 ms with oneDNN; for 8 rows 24 and
  6 ms.
- fbgemm, which stores weights as float16 and computes in float32. One row takes as long
  as it takes to read the weights, which are half as many bytes. Only x86 has it.

Both give each row the same product, to the last bit, whatever other rows there are.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from transformers.activations import NewGELUActivation
from transformers.pytorch_utils import Conv1D

#: Multiplies rows by a packed weight: [rows, in] to [rows, out], both float32.
Linear = Callable[[Tensor], Tensor]
#: Packs a weight [out, in] and a bias [out].
Pack = Callable[[Tensor, Tensor | None], Linear]

#: Number of rows that oneDNN's layout of a weight is made for. It works with any
#: number. A layout for one row is slower with many, and rounds one row differently.
LAYOUT_ROWS = 32


def pack_fp32(weight: Tensor, bias: Tensor | None) -> Linear:
    """Return a linear layer with its weight in oneDNN's layout.

    torch's compiler (inductor) uses the same operators in place of linear layers.
    """
    packed = torch.ops.mkldnn._reorder_linear_weight(weight, LAYOUT_ROWS)
    multiply = torch.ops.mkldnn._linear_pointwise.default

    def linear(rows: Tensor) -> Tensor:
        product: Tensor = multiply(rows, packed, bias, "none", [], "")
        return product

    return linear


def pack_fp16(weight: Tensor, bias: Tensor | None) -> Linear:
    """Return a linear layer with its weight as float16 in fbgemm's layout.

    Raises ``ValueError`` if a weight is too large for it: fbgemm would make it smaller,
    in ``weight`` as well.
    """
    if not (weight.abs().max() <= torch.finfo(torch.float16).max):
        raise ValueError("a weight is too large for half precision")
    packed = torch.ops.quantized.linear_prepack_fp16(weight.contiguous(), bias)
    multiply = torch.ops.quantized.linear_dynamic_fp16.default

    def linear(rows: Tensor) -> Tensor:
        product: Tensor = multiply(rows, packed)
        return product

    return linear


def can_pack(pack: Pack) -> bool:
    """Return whether this build of torch on this processor has what ``pack`` calls."""
    weight, rows = torch.eye(8, 16), torch.ones(1, 16)
    try:
        with torch.inference_mode():
            product = pack(weight, None)(rows)
    except (AttributeError, RuntimeError):
        return False
    return torch.equal(product, torch.ones(1, 8))


class PackedLinear(nn.Module):
    """``nn.Linear`` with its weight packed."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        """``weight``: float32 [out, in]; ``bias``: [out]."""
        super().__init__()
        self._linear = pack_fp32(weight, bias)

    def forward(self, features: Tensor) -> Tensor:
        """``features``: [..., in]; returns [..., out], contiguous."""
        product = self._linear(features.reshape(-1, features.shape[-1]))
        return product.view(*features.shape[:-1], product.shape[1])


@torch.inference_mode()
def replace_layers(module: nn.Module) -> None:
    """Replace the layers of a model for which there is a faster one, in place.

    An output layer that shares its weight with the token embedding gets a copy of its
    own: the embedding needs the plain layout.
    """
    for name, child in list(module.named_children()):
        if faster := _faster_layer(child):
            setattr(module, name, faster)
        else:
            replace_layers(child)


def _faster_layer(layer: nn.Module) -> nn.Module | None:
    if type(layer) is nn.Linear:
        return PackedLinear(layer.weight, layer.bias)
    if isinstance(layer, Conv1D):
        # GPT-2's own linear layer, which stores its weight as [in, out].
        return PackedLinear(layer.weight.t().contiguous(), layer.bias)
    if isinstance(layer, NewGELUActivation):
        return nn.GELU(approximate="tanh")
    return None
