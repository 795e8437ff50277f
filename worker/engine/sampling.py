"""Chooses the next token of every reply from the logits of the model."""

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

#: So many of the likeliest tokens are looked at, or as many as a top-k asks for, up to
#: a number; beyond them the whole vocabulary is.
CANDIDATES: Final = 64
MOST_CANDIDATES: Final = 1024
#: Halvings that find a weight from 0 to 1. Of a vocabulary of 50,000 tokens, the least
#: one that counts is about a millionth: found to a millionth of itself.
BISECTIONS: Final = 40
#: Constants of SplitMix64, as signed numbers.
GOLDEN: Final = 0x9E3779B97F4A7C15 - 2**64
FIRST_FACTOR: Final = 0xBF58476D1CE4E5B9 - 2**64
SECOND_FACTOR: Final = 0x94D049BB133111EB - 2**64


class BadSettings(ValueError):
    """Settings that no reply can be sampled with. Names the setting, no text."""


class BrokenLogits(ArithmeticError):
    """The model returned logits that are no numbers."""


def check(settings: SamplingParams) -> None:
    """Raise ``BadSettings`` unless every setting is of its type and in its range."""
    for setting in SAMPLING_SETTINGS:
        if problem := setting.problem(getattr(settings, setting.name)):
            raise BadSettings(f"{setting.name} {problem}")
    if not isinstance(settings.stop, tuple | list):
        raise BadSettings("stop must be texts")
    if len(settings.stop) > STOP_STRINGS_MAX or not all(
        isinstance(stop, str) and 0 < len(stop) <= STOP_STRING_CHARACTERS_MAX
        for stop in settings.stop
    ):
        raise BadSettings(
            f"stop must be at most {STOP_STRINGS_MAX} texts"
            f" of 1 to {STOP_STRING_CHARACTERS_MAX} characters"
        )


class Sampler:
    """How the tokens of one reply are chosen.

    Nothing is remembered between tokens: chance comes from the seed, the position and
    the token alone. So the same seed and logits give the same text on any device,
    beside any other reply, and after an engine was built anew.
    """

    def __init__(self, settings: SamplingParams) -> None:
        """Raises ``BadSettings``."""
        check(settings)
        self.temperature = settings.temperature
        self.top_k = settings.top_k
        self.top_p = settings.top_p
        self.repetition_penalty = settings.repetition_penalty
        self.seed = settings.seed

    @property
    def is_bounded(self) -> bool:
        """Whether some tokens are ruled out beforehand."""
        return self.top_k > 0 or self.top_p < 1


@dataclass(frozen=True, slots=True)
class History:
    """The tokens of prompt and reply so far, one reply a line."""

    ids: Tensor  # [replies, longest]
    #: How many of each line count: [replies], at least 1.
    lengths: Tensor


def choose(logits: Tensor, samplers: Sequence[Sampler], history: History) -> list[int]:
    """The next token of each reply. ``logits``: float32 [replies, vocabulary].

    The order is that of transformers: repetition penalty over prompt and reply, then
    temperature, top-k, top-p. Raises ``BrokenLogits``.
    """
    if not torch.isfinite(logits.amax(-1)).all():
        raise BrokenLogits("the logits are not finite")
    penalties = [sampler.repetition_penalty for sampler in samplers]
    logits = penalised(logits, penalties, history)
    greedy = [n for n, sampler in enumerate(samplers) if sampler.temperature == 0]
    drawn = [n for n, sampler in enumerate(samplers) if sampler.temperature > 0]
    chosen = dict(zip(greedy, _lines(logits, greedy).argmax(-1).tolist(), strict=True))
    if drawn:
        positions = history.lengths.cpu()[drawn]
        picked = draw(_lines(logits, drawn), [samplers[n] for n in drawn], positions)
        chosen |= zip(drawn, picked, strict=True)
    return [chosen[n] for n in range(len(samplers))]


def penalised(logits: Tensor, penalties: Sequence[float], history: History) -> Tensor:
    """Make what was said less likely (CTRL, Keskar et al. 2019)."""
    if all(penalty == 1 for penalty in penalties):
        return logits
    ids = history.ids
    past = torch.arange(ids.shape[1], device=ids.device) >= history.lengths[:, None]
    ids = ids.where(~past, ids[:, :1])  # [replies, longest]
    penalty = torch.tensor(penalties, device=logits.device)[:, None]
    scores = logits.gather(1, ids)
    scores = torch.where(scores < 0, scores * penalty, scores / penalty)
    return logits.scatter(1, ids, scores)


def draw(logits: Tensor, samplers: Sequence[Sampler], positions: Tensor) -> list[int]:
    """A token for each line of ``logits``, float32 [replies, vocabulary].

    ``positions``: of the token to come, [replies], on the CPU.
    """
    bounded = [n for n, sampler in enumerate(samplers) if sampler.is_bounded]
    keys = keys_of([sampler.seed for sampler in samplers], positions)
    chosen: dict[int, int] = {}
    if bounded:
        bounds = [samplers[n] for n in bounded]
        candidates = Candidates.of(_lines(logits, bounded), bounds)
        picked = pick(candidates.scores, candidates.tokens, keys[bounded]).tolist()
        lines = zip(bounded, picked, candidates.are_enough.tolist(), strict=True)
        chosen = {n: token for n, token, are_enough in lines if are_enough}
    for n, sampler in enumerate(samplers):
        if n not in chosen:
            scores = scores_of_all(logits[n], sampler)[None]
            tokens = torch.arange(scores.shape[1])[None]
            chosen[n] = int(pick(scores, tokens, keys[n : n + 1]))
    return [chosen[n] for n in range(len(samplers))]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The likeliest tokens of each line, and which of them top-k and top-p leave.

    Computed on the CPU: few numbers, and some devices have no float64.
    """

    tokens: Tensor  # [lines, candidates], likeliest first
    #: Logits over temperature, -inf where a token may not come: float64, like tokens.
    scores: Tensor
    #: False where tokens beyond the candidates may come too: [lines].
    are_enough: Tensor

    @classmethod
    def of(cls, logits: Tensor, samplers: Sequence[Sampler]) -> Candidates:
        """Of ``logits``, [lines, vocabulary], each with its bounded sampler."""
        vocabulary = logits.shape[1]
        top_ks = [min(sampler.top_k, vocabulary) for sampler in samplers]
        size = max(CANDIDATES, *(k for k in top_ks if k <= MOST_CANDIDATES), 0)
        size = min(size, vocabulary)
        best = logits.topk(size)
        top = best.values[:, :1]
        scores = _scores(best.values, top, samplers).cpu().double()  # [lines, size]
        # With top-k, top-p is a share of the mass of those k. Without, a line looks at
        # the same number of candidates whatever its neighbours ask for.
        limits = torch.tensor([[k or CANDIDATES] for k in top_ks])
        has_limit = torch.tensor([[k > 0] for k in top_ks])
        weights = scores.exp().where(torch.arange(size) < limits, 0.0)
        cumulative = weights.cumsum(-1)
        mass = cumulative[:, -1:]
        if not has_limit.all():
            all_mass = _scores(logits, top, samplers).exp_().sum(-1, keepdim=True)
            mass = mass.where(has_limit, all_mass.cpu().double())
        wanted = mass * torch.tensor([[sampler.top_p] for sampler in samplers]).double()
        # A token stays while those before it do not reach the mass: one always stays.
        stays = (cumulative - weights < wanted) & (weights > 0)
        is_reached = cumulative[:, -1:] >= wanted
        return cls(
            tokens=best.indices.cpu(),
            scores=scores.masked_fill(~stays, -math.inf),
            are_enough=torch.where(has_limit, limits <= size, is_reached)[:, 0],
        )


def scores_of_all(logits: Tensor, sampler: Sampler) -> Tensor:
    """Scores of one line, [vocabulary], in which very many tokens may come.

    -inf where top-k and top-p rule a token out: found by the least weight that stays,
    so that nothing is sorted.
    """
    scores = _scores(logits[None], logits.amax(), [sampler])[0].cpu()
    weights = scores.exp()
    if 0 < sampler.top_k < len(weights):
        rank = len(weights) - sampler.top_k + 1
        weights = weights.where(weights >= weights.kthvalue(rank).values, 0.0)
    if sampler.top_p < 1:
        weights = functional.threshold(weights, _nucleus(weights, sampler.top_p), 0.0)
    return scores.double().masked_fill(weights == 0, -math.inf)


def _nucleus(weights: Tensor, top_p: float) -> float:
    """The weight above which the likeliest tokens are that hold a share of all."""
    low, high = 0.0, 1.0
    wanted = top_p * float(weights.sum(dtype=torch.float64))
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        held = functional.threshold(weights, middle, 0.0).sum(dtype=torch.float64)
        low, high = (middle, high) if held >= wanted else (low, middle)
    return low


def _scores(logits: Tensor, best: Tensor, samplers: Sequence[Sampler]) -> Tensor:
    """Logits over temperature, where 0 is the best, [lines, 1], of each line."""
    heats = [[sampler.temperature] for sampler in samplers]
    heat = torch.tensor(heats, dtype=torch.float32, device=logits.device)
    # The best is taken off first: a tiny temperature cannot overflow then.
    return (logits - best) / heat.clamp(min=torch.finfo(heat.dtype).tiny)


def pick(scores: Tensor, tokens: Tensor, keys: Tensor) -> Tensor:
    """A token of each line, as likely as its score says: the Gumbel-max trick.

    Scores of two tokens that are as good as equal decide, and nothing else, when
    rounding differs; a point on a scale of cumulated weights would lie near the border
    of two tokens a hundred times as often. All are [lines, candidates] but ``keys``,
    [lines].
    """
    chances = uniform(keys[:, None], tokens)
    best = (scores - torch.log(-torch.log(chances))).argmax(-1, keepdim=True)
    return tokens.gather(1, best)[:, 0]


def keys_of(seeds: Sequence[int], positions: Tensor) -> Tensor:
    """A number for each seed and position, [lines]."""
    return mixed(mixed(torch.tensor(seeds)) + positions * GOLDEN)


def uniform(keys: Tensor, tokens: Tensor) -> Tensor:
    """Random numbers between 0 and 1 that depend on key and token alone: float64."""
    bits = mixed(keys ^ (tokens * GOLDEN))
    return (_shifted(bits, 11).double() + 0.5) * 2.0**-53


def mixed(numbers: Tensor) -> Tensor:
    """The finaliser of SplitMix64 (Steele et al. 2014), on int64 that wrap around."""
    numbers = (numbers ^ _shifted(numbers, 30)) * FIRST_FACTOR
    numbers = (numbers ^ _shifted(numbers, 27)) * SECOND_FACTOR
    return numbers ^ _shifted(numbers, 31)


def _shifted(numbers: Tensor, bits: int) -> Tensor:
    """Shifted to the right with zeros coming in."""
    return (numbers >> bits) & ((1 << (64 - bits)) - 1)


def _lines(values: Tensor, numbers: list[int]) -> Tensor:
    """Some lines; no copy where it is all of them."""
    return values if len(numbers) == len(values) else values[numbers]
