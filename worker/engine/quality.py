"""Whether a forward pass keeps the quality of the model that it was made from.

Weights below float32 change what a model says. Three figures together show how much:
perplexity, the divergence of the probabilities, and how often the likeliest token is
the same. Perplexity alone would let ruin through: some ways to round lower it while
they change every tenth token.
"""

from __future__ import annotations

import argparse
import inspect
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pydoc_data.topics import topics
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from worker.engine.forward import ForwardPass
from worker.engine.kv_cache import KVCache, RowShape
from worker.engine.module_forward import own_logits
from worker.engine.packing import PackedBatch, Span

#: Changes with the texts and with how they are compared.
VERSION = 1
#: Tokens of each text, and how many of them the model reads at once.
TEXT_TOKENS = 1024
WINDOW_TOKENS = 256
#: A text of so many characters for each token has enough of them.
CHARACTERS_PER_TOKEN = 12
#: A shorter entry of Python's language reference is a list rather than prose.
PROSE_CHARACTERS = 1500


@dataclass(frozen=True, slots=True)
class Quality:
    """How a forward pass compares with the model's own, over the same tokens."""

    tokens: int
    #: Perplexity divided by the model's own, less 1.
    perplexity_change: float
    #: Mean Kullback-Leibler divergence from the model's own probabilities, in nats.
    divergence: float
    #: Share of the tokens after which the likeliest next token is the same.
    agreement: float

    def __str__(self) -> str:
        """Return the figures for a log."""
        return (
            f"perplexity {self.perplexity_change:+.2%}, divergence"
            f" {self.divergence:.4f}, same likeliest token {self.agreement:.1%}"
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """The quality that a precision must keep."""

    perplexity_change: float
    divergence: float
    agreement: float

    def __str__(self) -> str:
        """Return the limits for a log."""
        return (
            f"perplexity ±{self.perplexity_change:.2%}, divergence up to"
            f" {self.divergence:.4f}, same likeliest token from {self.agreement:.1%} on"
        )

    def allow(self, quality: Quality) -> bool:
        """Return whether a quality is within the limits, which NaN never is."""
        return (
            abs(quality.perplexity_change) <= self.perplexity_change
            and quality.divergence <= self.divergence
            and quality.agreement >= self.agreement
        )


LIMITS = {
    "fp16": Limits(perplexity_change=0.01, divergence=0.0005, agreement=0.995),
    "int8": Limits(perplexity_change=0.01, divergence=0.006, agreement=0.95),
}


class Comparison:
    """Adds up how other logits differ from a model's own, window by window."""

    def __init__(self) -> None:
        self._loss = self._divergence = 0.0
        self._same = self._tokens = self._steps = 0

    def add(self, own: Tensor, other: Tensor, ids: Tensor) -> None:
        """Compare the logits after each token: [tokens, vocabulary] both."""
        self._same += int((own.argmax(-1) == other.argmax(-1)).sum())
        own, other = own.log_softmax(-1), other.log_softmax(-1)
        self._divergence += float((own.exp() * (own - other)).sum())
        lost = functional.nll_loss(other[:-1], ids[1:], reduction="sum")
        self._loss += float(
            lost - functional.nll_loss(own[:-1], ids[1:], reduction="sum")
        )
        self._tokens, self._steps = self._tokens + len(ids), self._steps + len(ids) - 1

    def quality(self) -> Quality:
        """Return the figures over all that was added."""
        return Quality(
            tokens=self._tokens,
            perplexity_change=math.expm1(min(self._loss / self._steps, 1.0)),
            divergence=self._divergence / self._tokens,
            agreement=self._same / self._tokens,
        )


@torch.inference_mode()
def measure_quality(
    module: Any, tokenizer: Any, forward: ForwardPass, longest: int
) -> Quality:
    """Compare a forward pass with the transformers model on the CPU.

    ``longest``: tokens that the model reads at most. The texts are English and code
    that every installation of Python has.
    """
    window = min(WINDOW_TOKENS, longest)
    shape = RowShape.of(module.config, window, forward.cache_dtype)
    cache = KVCache(shape, 1, torch.device("cpu"))
    found = Comparison()
    for ids in _windows(tokenizer, window):
        found.add(own_logits(module, ids), forward(whole_sequence(ids), cache), ids)
    return found.quality()


def _windows(tokenizer: Any, window: int) -> Iterator[Tensor]:
    """Yield the tokens of both texts, as many as a window holds: [tokens] each."""
    prose = (text for _, text in sorted(topics.items()) if len(text) > PROSE_CHARACTERS)
    for text in ("\n\n".join(prose), inspect.getsource(argparse)):
        start = text[: CHARACTERS_PER_TOKEN * TEXT_TOKENS]
        ids = tokenizer(start, add_special_tokens=False, verbose=False)["input_ids"]
        for part in torch.tensor(ids[:TEXT_TOKENS]).split(window):
            if len(part) > 1:
                yield part


def whole_sequence(ids: Tensor) -> PackedBatch:
    """Pack one sequence, of which the logits after every token are wanted."""
    count = len(ids)
    positions = torch.arange(count)
    span = Span(row=0, start=0, stop=count, first=0)
    return PackedBatch(ids, torch.zeros_like(ids), positions, positions, (span,))
