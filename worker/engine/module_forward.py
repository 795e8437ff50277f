"""The forward pass by transformers' own modules: for any model, on any device.

Our attention is registered with transformers under a name, so that a model's own code
calls it and runs unchanged. It ignores the model's mask: the plan of the step says
which keys each token sees.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, Cache

from worker.engine.attention import attend
from worker.engine.attention_plan import AttentionPlan
from worker.engine.cpu_logits import CPULogits
from worker.engine.device_logits import DeviceLogits
from worker.engine.kv_cache import KVCache
from worker.engine.logits import Logits
from worker.engine.packing import PackedBatch

#: Name of our attention among those of transformers.
ATTENTION = "rows"
#: Arguments by which some models change attention scores; none is implemented here.
UNSUPPORTED_ARGUMENTS = (
    *("softcap", "s_aux", "sinks", "position_bias"),
    *("indices", "block_indices"),
)
PRECISIONS = {torch.float32: "fp32", torch.float16: "fp16", torch.bfloat16: "bf16"}


class ModuleForward:
    """Implements ``ForwardPass`` with a transformers model."""

    name, version = "transformers", "1"

    def __init__(self, module: Any) -> None:
        """``module``: in evaluation mode, loaded with ``ATTENTION``."""
        self.precision = PRECISIONS.get(module.dtype, str(module.dtype))
        self.cache_dtype: torch.dtype = module.dtype
        self._module = module
        self._has_logits_to_keep = (
            "logits_to_keep" in inspect.signature(module.forward).parameters
        )

    @torch.inference_mode()
    def __call__(self, batch: PackedBatch, cache: KVCache) -> Tensor:
        """Implement ``ForwardPass``."""
        output = self._module(
            input_ids=batch.ids[None],  # [1, tokens]
            position_ids=batch.positions[None],  # [1, tokens]
            past_key_values=StepCache(batch, cache),
            use_cache=True,
            plan=AttentionPlan.of(batch, cache.dtype, cache.row_tokens),
            **({"logits_to_keep": batch.last} if self._has_logits_to_keep else {}),
        )
        logits: Tensor = output.logits[0]  # [sampled or tokens, vocabulary]
        return (logits if self._has_logits_to_keep else logits[batch.last]).float()

    def wrap_logits(self, logits: Tensor) -> Logits:
        """Implement ``ForwardPass``."""
        on_cpu = logits.device.type == "cpu"
        return CPULogits(logits) if on_cpu else DeviceLogits(logits)


@torch.inference_mode()
def own_logits(module: Any, ids: Tensor) -> Tensor:
    """Return the logits after each token by the model's own attention.

    ``ids``: [tokens]. Returns float32 [tokens, vocabulary].
    """
    module.set_attn_implementation("eager")
    try:
        logits: Tensor = module(ids[None], use_cache=False).logits[0]
    finally:
        module.set_attn_implementation(ATTENTION)
    return logits.float()


class StepCache(Cache):
    """Implements ``Cache`` of transformers over the rows of a KV cache, for one step.

    The tokens of a step come packed, one after another, as a batch of one. The packed
    batch gives the row and position of each token; its key and value are written there.
    """

    def __init__(self, batch: PackedBatch, cache: KVCache) -> None:
        super().__init__(layers=[])
        self._at = (batch.rows, slice(None), batch.positions)
        self._cache = cache

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_: Any
    ) -> tuple[Tensor, Tensor]:
        """Write new keys and values, each [1, heads, new tokens, head size].

        Returns those of all rows, each [rows, heads, tokens, head size].
        """
        keys, values = self._cache.layers[layer_idx]
        keys[self._at] = key_states[0].transpose(0, 1)  # [new tokens, heads, head size]
        values[self._at] = value_states[0].transpose(0, 1)
        return keys, values

    def get_seq_length(self, layer_idx: int = 0) -> int:  # noqa: ARG002
        """Return 0: every forward pass gets explicit positions instead."""
        return 0


def packed_attention(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    plan: AttentionPlan,
    scaling: float,
    **others: Any,
) -> tuple[Tensor, None]:
    """Implement an attention function of transformers by ``attend``.

    ``query``: [1, heads, tokens, head size]; ``key`` and ``value``, those of all rows:
    [rows, key heads, row's tokens, head size]. Returns [1, tokens, heads, head size].
    Raises ``ValueError`` if the model passes an argument that changes the scores.
    """
    del module, attention_mask
    for name in UNSUPPORTED_ARGUMENTS:
        if others.get(name) is not None:
            raise ValueError(f"its attention is not a plain one: {name}")
    return attend(query[0].transpose(0, 1), key, value, plan, scaling)[None], None


AttentionInterface.register(ATTENTION, packed_attention)
