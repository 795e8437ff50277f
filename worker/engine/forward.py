"""What every implementation of a model's forward pass provides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from worker.engine.kv_cache import KVCache
from worker.engine.logits import Logits
from worker.engine.packing import PackedBatch


@dataclass(frozen=True, slots=True)
class PassKind:
    """Which code computes a forward pass, and in what precision."""

    precision: str
    name: str
    #: Changes with the code: what was measured of one is not true of another.
    version: str


class ForwardPass(Protocol):
    """Reads the packed tokens of one step, whether of prompts or of replies."""

    #: In what the weights are stored: "fp32", "fp16", "bf16" or "int8".
    precision: str
    #: "transformers", "flat" or "native".
    name: str
    #: See ``PassKind``.
    version: str
    #: In what the keys and values of its cache are stored.
    cache_dtype: torch.dtype

    def __call__(self, batch: PackedBatch, cache: KVCache) -> Tensor:
        """Write the tokens' keys and values into the cache; return some logits.

        A token sees the earlier tokens of its row, and itself. Returns the logits after
        the tokens in ``batch.last``: float32 [sampled, vocabulary].
        """
        ...

    def wrap_logits(self, logits: Tensor) -> Logits:
        """Return what samples from logits that it returned, and may change them."""
        ...
