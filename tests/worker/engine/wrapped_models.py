"""Real models whose steps a test can hold up or break."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any

import torch

from worker.engine.kv_cache import KVCache
from worker.engine.model import LanguageModel
from worker.engine.sequence import Chunk


class Clock:
    """Stands still until it is told to copy."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class GatedModel:
    """A model that waits before each step until ``steps`` is released."""

    def __init__(self, model: LanguageModel) -> None:
        self.steps = threading.Semaphore(0)
        #: Steps that have begun, waiting ones included.
        self.begun = 0
        self._model = model
        self.context_tokens = model.context_tokens
        self.vocabulary = model.vocabulary
        self.device = model.device
        self.precision = model.precision
        self.eos_ids = model.eos_ids
        self.tokenizer = model.tokenizer
        self.new_kv_cache = model.new_kv_cache
        self.row_shape = model.row_shape
        self.wrap_logits = model.wrap_logits

    def forward(self, chunks: list[Chunk[Any]], cache: KVCache) -> torch.Tensor:
        self.begun += 1
        assert self.steps.acquire(timeout=60)
        return self._model.forward(chunks, cache)

    def open(self) -> None:
        """Let all further steps pass."""
        self.steps.release(1_000_000)


class FaultyModel(GatedModel):
    """A model that breaks each step for which ``is_due`` returns true.

    It raises ``fault``, or returns logits that are not numbers.
    """

    def __init__(
        self,
        model: LanguageModel,
        is_due: Callable[[list[Chunk[Any]]], bool],
        fault: BaseException | None = None,
    ) -> None:
        super().__init__(model)
        self._is_due = is_due
        self._fault = fault

    def forward(self, chunks: list[Chunk[Any]], cache: KVCache) -> torch.Tensor:
        is_due = self._is_due(chunks)
        if is_due and self._fault is not None:
            raise self._fault
        logits = self._model.forward(chunks, cache)
        return logits * math.nan if is_due else logits
