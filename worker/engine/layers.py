"""Layers that compute the same as those of a model, faster on a CPU.

Generation multiplies large matrices, the weights, by a few rows, and BLAS libraries are
tuned for many. oneDNN, which torch carries along, lays a weight out once for kernels of
its own that are as good with few. On two cores of an AMD EPYC, GPT-2's output layer
takes 33 ms for 32 rows as ``functional.linear`` on MKL and 13 ms so; 24 and 6 ms for 8.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.activations import NewGELUActivation
from transformers.pytorch_utils import Conv1D

#: What the layout of a weight is made for. It serves any number of rows; made for one,
#: it is slower with many by a fifth.
USUAL_ROWS = 32
#: Fewer rows than these take oneDNN longer: one takes a quarter longer than four.
FEWEST_ROWS = 4


class PackedLinear(nn.Module):
    """``nn.Linear`` with a copy of its weight, laid out for oneDNN.

    torch's compiler puts the same operators in place of linear layers.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        """``weight``: float32 [out, in]; ``bias``: [out]."""
        super().__init__()
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight, USUAL_ROWS)
        self._bias = bias

    def forward(self, features: Tensor) -> Tensor:
        """``features``: [..., in]; returns [..., out], contiguous."""
        rows = features.reshape(-1, features.shape[-1])
        count = len(rows)
        if count < FEWEST_ROWS:
            rows = functional.pad(rows, (0, 0, 0, FEWEST_ROWS - count))
        product: Tensor = torch.ops.mkldnn._linear_pointwise(
            rows, self._weight, self._bias, "none", [], ""
        )
        return product[:count].view(*features.shape[:-1], product.shape[1])


def can_pack() -> bool:
    """Whether torch has these operators here: not all builds do."""
    try:
        with torch.inference_mode():
            PackedLinear(torch.zeros(2, 3), None)(torch.zeros(1, 3))
    except (AttributeError, RuntimeError):
        return False
    return True


@torch.inference_mode()
def replace_layers(module: nn.Module) -> None:
    """Put faster layers in place of those that have one.

    Where the output layer shares its weight with the embedding of words, it gets a
    copy of its own: looking up needs the plain layout.
    """
    for name, child in list(module.named_children()):
        if faster := _faster(child):
            setattr(module, name, faster)
        else:
            replace_layers(child)


def _faster(layer: nn.Module) -> nn.Module | None:
    if type(layer) is nn.Linear:
        return PackedLinear(layer.weight, layer.bias)
    if isinstance(layer, Conv1D):
        # GPT-2's own linear layer, which keeps its weight as [in, out].
        return PackedLinear(layer.weight.t().contiguous(), layer.bias)
    if isinstance(layer, NewGELUActivation):
        return nn.GELU(approximate="tanh")
    return None
