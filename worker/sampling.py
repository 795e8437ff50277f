"""Chooses the next token of one reply from the logits of the model."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from chatsite.wire import Settings

#: How many of the likeliest tokens are looked at first for top-p.
FIRST_CANDIDATES = 64
MOST_STOPS = 16
LONGEST_STOP_CHARACTERS = 200


class BadSettings(ValueError):
    """Settings that no reply can be sampled with. Names the setting, no text."""


class BrokenLogits(ArithmeticError):
    """The model returned logits that are no numbers."""


def check(settings: Settings) -> None:
    """Raise ``BadSettings`` unless every setting is of its type and in its range."""
    _check_number("temperature", settings.temperature, 0, 100)
    _check_number("top_p", settings.top_p, 1e-6, 1)
    _check_number("repetition_penalty", settings.repetition_penalty, 0.01, 100)
    _check_whole("top_k", settings.top_k, 0, 2**31)
    _check_whole("max_new_tokens", settings.max_new_tokens, 1, 2**31)
    _check_whole("seed", settings.seed, -(2**63), 2**63 - 1)
    if len(settings.stop) > MOST_STOPS or not all(
        isinstance(stop, str) and 0 < len(stop) <= LONGEST_STOP_CHARACTERS
        for stop in settings.stop
    ):
        raise BadSettings(
            f"stop must be at most {MOST_STOPS} texts"
            f" of 1 to {LONGEST_STOP_CHARACTERS} characters"
        )


def _check_number(name: str, value: object, low: float, high: float) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:  # type: ignore[operator]  # a number
        raise BadSettings(f"{name} must be a number from {low} to {high}")


def _check_whole(name: str, value: object, low: int, high: int) -> None:
    if type(value) is not int or not low <= value <= high:
        raise BadSettings(f"{name} must be a whole number from {low} to {high}")


class Sampler:
    """The sampling state of one reply: what was said so far, and its own dice.

    The order is that of transformers: repetition penalty over prompt and reply, then
    temperature, top-k, top-p. The same seed and logits give the same tokens, on any
    device, because the dice are thrown on the CPU.
    """

    def __init__(self, settings: Settings, prompt: Sequence[int]) -> None:
        """Raises ``BadSettings``."""
        check(settings)
        self._settings = settings
        self._generator = torch.Generator().manual_seed(settings.seed)
        self._seen = set(prompt)

    def pick(self, logits: Tensor) -> int:
        """The next token. ``logits``: float32 [vocabulary], left as they are.

        Raises ``BrokenLogits``.
        """
        if not torch.isfinite(logits.max()):
            raise BrokenLogits("the logits are not finite")
        logits = self._penalised(logits)
        if self._settings.temperature == 0:
            token = int(logits.argmax())
        else:
            token = self._draw(logits)
        self._seen.add(token)
        return token

    def _penalised(self, logits: Tensor) -> Tensor:
        """Make what was said less likely (CTRL, Keskar et al. 2019)."""
        penalty = self._settings.repetition_penalty
        if penalty == 1 or not self._seen:
            return logits
        seen = torch.tensor(sorted(self._seen), device=logits.device)  # [seen]
        scores = logits[seen]
        scores = torch.where(scores < 0, scores * penalty, scores / penalty)
        return logits.index_copy(0, seen, scores)

    def _draw(self, logits: Tensor) -> int:
        # The largest is taken off first: a tiny temperature cannot overflow then.
        scaled = (logits - logits.max()) / self._settings.temperature
        weights, tokens = nucleus(
            scaled, top_k=self._settings.top_k, top_p=self._settings.top_p
        )
        cumulative = weights.double().cumsum(0).cpu()  # [candidates]
        point = torch.rand(1, generator=self._generator, dtype=torch.float64)
        index = int(torch.searchsorted(cumulative, point * cumulative[-1], right=True))
        return int(tokens[min(index, len(tokens) - 1)])


def nucleus(logits: Tensor, *, top_k: int, top_p: float) -> tuple[Tensor, Tensor]:
    """The tokens that may come next: weights and tokens, both [candidates].

    Without a full sort: the likeliest few are looked at, and more only while they do
    not reach the mass asked for. Likeliest first, unless every token may come.
    """
    limit = min(top_k or len(logits), len(logits))
    if top_p >= 1 and limit == len(logits):
        return logits.exp(), torch.arange(limit, device=logits.device)
    if top_k or top_p >= 1:
        # With top-k, top-p is a share of the mass of those k.
        weights, tokens = _likeliest(logits, limit)
        wanted = top_p * float(weights.sum())
    else:
        wanted = top_p * float(logits.exp().sum())
        weights, tokens = _likeliest_reaching(logits, wanted)
    if top_p >= 1:
        return weights, tokens
    # A token stays while those before it do not reach the mass: at least one stays.
    kept = 1 + int((weights.cumsum(0)[:-1] < wanted).sum())
    return weights[:kept], tokens[:kept]


def _likeliest(logits: Tensor, count: int) -> tuple[Tensor, Tensor]:
    best = logits.topk(count)
    return best.values.exp(), best.indices


def _likeliest_reaching(logits: Tensor, wanted: float) -> tuple[Tensor, Tensor]:
    """The likeliest tokens whose mass is at least ``wanted``, and some more."""
    size = min(FIRST_CANDIDATES, len(logits))
    while True:
        weights, tokens = _likeliest(logits, size)
        if size == len(logits) or float(weights.sum()) >= wanted:
            return weights, tokens
        size = min(size * 8, len(logits))
