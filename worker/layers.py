"""Layers that compute the same as those of a model, faster on a CPU.

BLAS libraries are tuned for large square matrices. Generation multiplies a large one,
the weights, by a few rows, and there the way of asking decides: on two cores of an AMD
EPYC with MKL, 32 rows by GPT-2's output layer took 68 ms as ``functional.linear`` and
37 ms with the weights first; a single row took 15 ms, and in parts 9 ms.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.activations import NewGELUActivation
from transformers.pytorch_utils import Conv1D

#: From so many rows on the plain way is as fast.
MANY_ROWS = 96
#: A single row is taken in at most so many parts, which threads share.
MOST_PARTS = 32


class FewRowsLinear(nn.Module):
    """``nn.Linear`` for few rows at a time; shares the weight it is given."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        """``weight``: [out, in], contiguous; ``bias``: [out]."""
        super().__init__()
        self.weight = weight
        self.bias = bias
        out_features, self.in_features = weight.shape
        self.out_features = out_features
        self._parts = max(n for n in range(1, MOST_PARTS + 1) if out_features % n == 0)

    def forward(self, features: Tensor) -> Tensor:
        """``features``: [..., in]; returns [..., out], contiguous."""
        rows = features.reshape(-1, self.in_features)  # [rows, in]
        if not 0 < len(rows) < MANY_ROWS:
            return functional.linear(features, self.weight, self.bias)
        product = self._one(rows) if len(rows) == 1 else self.weight @ rows.t()
        output = rows.new_empty(len(rows), self.out_features)
        if self.bias is None:
            output.copy_(product.t())
        else:
            torch.add(product.t(), self.bias, out=output)
        return output.view(*features.shape[:-1], self.out_features)

    def _one(self, row: Tensor) -> Tensor:
        """The product with a single row, [1, in], as [out, 1]."""
        parts = self.weight.view(self._parts, -1, self.in_features)
        columns = row.t().expand(self._parts, -1, -1)  # [parts, in, 1]
        return torch.bmm(parts, columns).view(-1, 1)


def replace_layers(module: nn.Module) -> None:
    """Put faster layers in place of those that have one; weights stay shared."""
    for name, child in list(module.named_children()):
        if faster := _faster(child):
            setattr(module, name, faster)
        else:
            replace_layers(child)


def _faster(layer: nn.Module) -> nn.Module | None:
    if type(layer) is nn.Linear:
        return FewRowsLinear(layer.weight, layer.bias)
    if isinstance(layer, Conv1D):
        # GPT-2's own linear layer, which keeps its weight as [in, out].
        weight = nn.Parameter(layer.weight.t().contiguous(), requires_grad=False)
        return FewRowsLinear(weight, layer.bias)
    if isinstance(layer, NewGELUActivation):
        return nn.GELU(approximate="tanh")
    return None
