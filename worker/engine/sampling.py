"""Samples the next token of every reply from the logits of the model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from chatsite.sampling_settings import (
    SAMPLING_SETTINGS,
    STOP_STRING_CHARACTERS_MAX,
    STOP_STRINGS_MAX,
)
from chatsite.wire import SamplingParams

#: Number of most likely tokens that a step looks at first. A larger top-k raises it up
#: to the maximum; beyond that the whole vocabulary is used.
CANDIDATES: Final = 64
MAX_CANDIDATES: Final = 1024
#: Halvings of the interval 0 to 1 that find the cut-off of top-p. In a vocabulary of
#: 50,000 tokens the smallest weight that matters is about a millionth; it is found to a
#: millionth of itself.
BISECTIONS: Final = 40
#: Constants of SplitMix64, as signed numbers.
GOLDEN: Final = 0x9E3779B97F4A7C15 - 2**64
FIRST_FACTOR: Final = 0xBF58476D1CE4E5B9 - 2**64
SECOND_FACTOR: Final = 0x94D049BB133111EB - 2**64


class InvalidSamplingParams(ValueError):
    """Parameters that cannot be sampled with. The message names one, never its text."""


class NonFiniteLogits(ArithmeticError):
    """The model returned logits that are not finite numbers."""


def validate(params: SamplingParams) -> None:
    """Raise ``InvalidSamplingParams`` unless every value has its type and range."""
    for setting in SAMPLING_SETTINGS:
        if problem := setting.problem(getattr(params, setting.name)):
            raise InvalidSamplingParams(f"{setting.name} {problem}")
    if not isinstance(params.stop, tuple | list):
        raise InvalidSamplingParams("stop must be texts")
    if len(params.stop) > STOP_STRINGS_MAX or not all(
        isinstance(stop, str) and 0 < len(stop) <= STOP_STRING_CHARACTERS_MAX
        for stop in params.stop
    ):
        raise InvalidSamplingParams(
            f"stop must be at most {STOP_STRINGS_MAX} texts"
            f" of 1 to {STOP_STRING_CHARACTERS_MAX} characters"
        )


class Sampler:
    """The validated sampling parameters of one reply.

    It has no state: randomness comes from the seed, the position and the token alone.
    So the same seed and logits give the same text on any device, beside any other
    reply, and after the engine was rebuilt.
    """

    def __init__(self, params: SamplingParams) -> None:
        """Raise ``InvalidSamplingParams`` for a value out of range."""
        validate(params)
        self.temperature = params.temperature
        self.top_k = params.top_k
        self.top_p = params.top_p
        self.repetition_penalty = params.repetition_penalty
        self.seed = params.seed

    @property
    def is_bounded(self) -> bool:
        """Whether top-k or top-p excludes some tokens."""
        return self.top_k > 0 or self.top_p < 1


@dataclass(frozen=True, slots=True)
class TokenHistory:
    """The tokens of prompt and reply so far, one reply a row."""

    ids: Tensor  # [replies, longest]
    #: How many ids of each row count, at least 1.
    lengths: Tensor  # [replies]


def sample(
    logits: Tensor, samplers: Sequence[Sampler], history: TokenHistory
) -> list[int]:
    """Return the next token of each reply. ``logits``: float32 [replies, vocabulary].

    The order is that of transformers: repetition penalty over prompt and reply, then
    temperature, top-k, top-p. Raises ``NonFiniteLogits``.
    """
    if not torch.isfinite(logits.amax(-1)).all():
        raise NonFiniteLogits("the logits are not finite")
    penalties = [sampler.repetition_penalty for sampler in samplers]
    logits = apply_repetition_penalty(logits, penalties, history)
    greedy = [n for n, sampler in enumerate(samplers) if sampler.temperature == 0]
    random = [n for n, sampler in enumerate(samplers) if sampler.temperature > 0]
    best = _select_rows(logits, greedy).argmax(-1).tolist()
    chosen = dict(zip(greedy, best, strict=True))
    if random:
        positions = history.lengths.cpu()[random]
        drawn = draw_tokens(
            _select_rows(logits, random), [samplers[n] for n in random], positions
        )
        chosen |= zip(random, drawn, strict=True)
    return [chosen[n] for n in range(len(samplers))]


def apply_repetition_penalty(
    logits: Tensor, penalties: Sequence[float], history: TokenHistory
) -> Tensor:
    """Return logits, [replies, vocabulary], with earlier tokens made less likely.

    Source: CTRL, Keskar et al. 2019.
    """
    if all(penalty == 1 for penalty in penalties):
        return logits
    ids = history.ids
    is_padding = (
        torch.arange(ids.shape[1], device=ids.device) >= history.lengths[:, None]
    )
    ids = ids.where(~is_padding, ids[:, :1])  # [replies, longest]
    penalty = torch.tensor(penalties, device=logits.device)[:, None]  # [replies, 1]
    scores = logits.gather(1, ids)  # [replies, longest]
    scores = torch.where(scores < 0, scores * penalty, scores / penalty)
    return logits.scatter(1, ids, scores)


def draw_tokens(
    logits: Tensor, samplers: Sequence[Sampler], positions: Tensor
) -> list[int]:
    """Draw a token for each row of ``logits``, float32 [replies, vocabulary].

    ``positions``: those of the tokens to come, [replies], on the CPU.
    """
    bounded = [n for n, sampler in enumerate(samplers) if sampler.is_bounded]
    keys = random_keys([sampler.seed for sampler in samplers], positions)  # [replies]
    chosen: dict[int, int] = {}
    if bounded:
        bounds = [samplers[n] for n in bounded]
        candidates = Candidates.of(_select_rows(logits, bounded), bounds)
        drawn = gumbel_max(candidates.scores, candidates.tokens, keys[bounded]).tolist()
        rows = zip(bounded, drawn, candidates.are_enough.tolist(), strict=True)
        chosen = {n: token for n, token, are_enough in rows if are_enough}
    for n, sampler in enumerate(samplers):
        if n not in chosen:
            scores = full_vocabulary_scores(logits[n], sampler)[None]  # [1, vocabulary]
            tokens = torch.arange(scores.shape[1])[None]
            chosen[n] = int(gumbel_max(scores, tokens, keys[n : n + 1]))
    return [chosen[n] for n in range(len(samplers))]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The most likely tokens of each reply, and which of them top-k and top-p allow.

    Computed on the CPU: the tensors are small, and some devices have no float64.
    """

    tokens: Tensor  # [replies, candidates], most likely first
    #: Logits over temperature, -inf for an excluded token: float64, like ``tokens``.
    scores: Tensor
    #: False where a token beyond the candidates may come too: [replies].
    are_enough: Tensor

    @classmethod
    def of(cls, logits: Tensor, samplers: Sequence[Sampler]) -> Candidates:
        """Select from ``logits``, [replies, vocabulary], each with bounds."""
        vocabulary = logits.shape[1]
        top_ks = [min(sampler.top_k, vocabulary) for sampler in samplers]
        size = max(CANDIDATES, *(k for k in top_ks if k <= MAX_CANDIDATES), 0)
        size = min(size, vocabulary)
        best = logits.topk(size)
        top = best.values[:, :1]  # [replies, 1]
        scores = _scores(best.values, top, samplers).cpu().double()  # [replies, size]
        # With top-k, top-p is a share of the mass of those k tokens. Without it, a row
        # uses the same number of candidates whatever its neighbours ask for.
        limits = torch.tensor([[k or CANDIDATES] for k in top_ks])
        has_limit = torch.tensor([[k > 0] for k in top_ks])
        weights = scores.exp().where(torch.arange(size) < limits, 0.0)
        cumulative = weights.cumsum(-1)
        mass = cumulative[:, -1:]
        if not has_limit.all():
            all_mass = _scores(logits, top, samplers).exp_().sum(-1, keepdim=True)
            mass = mass.where(has_limit, all_mass.cpu().double())
        shares = [[sampler.top_p] for sampler in samplers]
        wanted = mass * torch.tensor(shares, dtype=torch.float64)
        # A token stays while the tokens before it do not reach the mass, so that at
        # least one stays.
        stays = (cumulative - weights < wanted) & (weights > 0)
        is_reached = cumulative[:, -1:] >= wanted
        return cls(
            tokens=best.indices.cpu(),
            scores=scores.masked_fill(~stays, -math.inf),
            are_enough=torch.where(has_limit, limits <= size, is_reached)[:, 0],
        )


def full_vocabulary_scores(logits: Tensor, sampler: Sampler) -> Tensor:
    """Return the scores of one reply over the whole vocabulary, float64 [vocabulary].

    -inf where top-k or top-p excludes a token. The cut-off is a weight found by
    selection and bisection, so that nothing is sorted. ``logits``: [vocabulary].
    """
    scores = _scores(logits[None], logits.amax(), [sampler])[0].cpu()
    weights = scores.exp()
    if 0 < sampler.top_k < len(weights):
        rank = len(weights) - sampler.top_k + 1
        weights = weights.where(weights >= weights.kthvalue(rank).values, 0.0)
    if sampler.top_p < 1:
        cutoff = _nucleus_cutoff(weights, sampler.top_p)
        weights = functional.threshold(weights, cutoff, 0.0)
    return scores.double().masked_fill(weights == 0, -math.inf)


def _nucleus_cutoff(weights: Tensor, top_p: float) -> float:
    """Return the weight above which the tokens hold a share ``top_p`` of all weight.

    Source: nucleus sampling, Holtzman et al. 2020.
    """
    low, high = 0.0, 1.0
    wanted = top_p * float(weights.sum(dtype=torch.float64))
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        held = functional.threshold(weights, middle, 0.0).sum(dtype=torch.float64)
        low, high = (middle, high) if held >= wanted else (low, middle)
    return low


def _scores(logits: Tensor, best: Tensor, samplers: Sequence[Sampler]) -> Tensor:
    """Return logits over temperature, with 0 for the best of each row, [rows, 1]."""
    values = [[sampler.temperature] for sampler in samplers]
    temperatures = torch.tensor(values, dtype=torch.float32, device=logits.device)
    # Subtracting the best first keeps a tiny temperature from overflowing.
    smallest = torch.finfo(temperatures.dtype).tiny
    return (logits - best) / temperatures.clamp(min=smallest)


def gumbel_max(scores: Tensor, tokens: Tensor, keys: Tensor) -> Tensor:
    """Return a token of each row, with probability softmax(scores): Gumbel-max trick.

    Where rounding differs, only a near tie of two tokens can change the result. A point
    on the cumulative weights would lie near a border of two tokens a hundred times as
    often. ``scores`` and ``tokens``: [rows, candidates]; ``keys`` and result: [rows].
    """
    uniforms = uniform(keys[:, None], tokens)
    best = (scores - torch.log(-torch.log(uniforms))).argmax(-1, keepdim=True)
    return tokens.gather(1, best)[:, 0]


def random_keys(seeds: Sequence[int], positions: Tensor) -> Tensor:
    """Return a pseudo-random int64 for each seed and position, [rows]."""
    return splitmix64(splitmix64(torch.tensor(seeds)) + positions * GOLDEN)


def uniform(keys: Tensor, tokens: Tensor) -> Tensor:
    """Return float64 numbers between 0 and 1 that depend on key and token alone."""
    bits = splitmix64(keys ^ (tokens * GOLDEN))
    return (_logical_shift_right(bits, 11).double() + 0.5) * 2.0**-53


def splitmix64(numbers: Tensor) -> Tensor:
    """Apply the finaliser of SplitMix64 to int64 numbers, which wrap around.

    Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
    OOPSLA 2014.
    """
    numbers = (numbers ^ _logical_shift_right(numbers, 30)) * FIRST_FACTOR
    numbers = (numbers ^ _logical_shift_right(numbers, 27)) * SECOND_FACTOR
    return numbers ^ _logical_shift_right(numbers, 31)


def _logical_shift_right(numbers: Tensor, bits: int) -> Tensor:
    """Return int64 numbers shifted to the right, with zeros coming in."""
    return (numbers >> bits) & ((1 << (64 - bits)) - 1)


def _select_rows(values: Tensor, rows: list[int]) -> Tensor:
    """Return some rows; without a copy if that is all of them."""
    return values if len(rows) == len(values) else values[rows]
