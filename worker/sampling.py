"""Chooses the next token of every reply from the logits of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from chatsite.wire import Settings

#: So many of the likeliest tokens are looked at, or as many as a top-k asks for, up to
#: a number; beyond them the whole vocabulary is.
CANDIDATES: Final = 64
MOST_CANDIDATES: Final = 1024
#: Halvings that find a weight from 0 to 1. Of a vocabulary of 50,000 tokens, the least
#: one that counts is about a millionth: found to a millionth of itself.
BISECTIONS: Final = 40
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
    """How the tokens of one reply are chosen, with random numbers of its own.

    They are drawn on the CPU, one for each token: the same seed and logits give the
    same tokens on any device and beside any other reply.
    """

    def __init__(self, settings: Settings) -> None:
        """Raises ``BadSettings``."""
        check(settings)
        self.temperature = settings.temperature
        self.top_k = settings.top_k
        self.top_p = settings.top_p
        self.repetition_penalty = settings.repetition_penalty
        self._generator = torch.Generator().manual_seed(settings.seed)

    @property
    def is_bounded(self) -> bool:
        """Whether some tokens are ruled out beforehand."""
        return self.top_k > 0 or self.top_p < 1

    def point(self) -> float:
        """The next random number: from 0 to 1, never 1 itself."""
        return float(torch.rand((), generator=self._generator, dtype=torch.float64))


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
        picked = draw(_lines(logits, drawn), [samplers[n] for n in drawn])
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


def draw(logits: Tensor, samplers: Sequence[Sampler]) -> list[int]:
    """A token for each line of ``logits``, float32 [replies, vocabulary]."""
    points = [sampler.point() for sampler in samplers]
    bounded = [n for n, sampler in enumerate(samplers) if sampler.is_bounded]
    chosen: dict[int, int] = {}
    if bounded:
        bounds = [samplers[n] for n in bounded]
        candidates = Candidates.of(_lines(logits, bounded), bounds)
        picked = candidates.pick([points[n] for n in bounded])
        lines = zip(bounded, picked, candidates.are_enough.tolist(), strict=True)
        chosen = {n: token for n, token, are_enough in lines if are_enough}
    for n, sampler in enumerate(samplers):
        if n not in chosen:
            chosen[n] = draw_from_all(logits[n], sampler, points[n])
    return [chosen[n] for n in range(len(samplers))]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The likeliest tokens of each line, those left by top-k and top-p.

    Computed on the CPU: few numbers, and some devices have no float64.
    """

    tokens: Tensor  # [lines, candidates], likeliest first
    cumulative: Tensor  # float64 [lines, candidates]
    #: The last candidate that may come: [lines, 1].
    last: Tensor
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
        weights = _weights(best.values, top, samplers).cpu().double()  # [lines, size]
        # With top-k, top-p is a share of the mass of those k. Without, a line looks at
        # the same number of candidates whatever its neighbours ask for.
        limits = torch.tensor([[k or CANDIDATES] for k in top_ks])
        has_limit = torch.tensor([[k > 0] for k in top_ks])
        weights = weights.where(torch.arange(size) < limits, 0.0)
        cumulative = weights.cumsum(-1)
        mass = cumulative[:, -1:]
        if not has_limit.all():
            all_mass = _weights(logits, top, samplers).sum(-1, keepdim=True)
            mass = mass.where(has_limit, all_mass.cpu().double())
        wanted = mass * torch.tensor([[sampler.top_p] for sampler in samplers]).double()
        # A token stays while those before it do not reach the mass: one always stays.
        stays = (cumulative - weights < wanted) & (weights > 0)
        is_reached = cumulative[:, -1:] >= wanted
        return cls(
            tokens=best.indices.cpu(),
            cumulative=cumulative,
            last=(stays.sum(-1, keepdim=True) - 1).clamp(min=0),
            are_enough=torch.where(has_limit, limits <= size, is_reached)[:, 0],
        )

    def pick(self, points: Sequence[float]) -> list[int]:
        """The token at each point, 0 to 1, of what may come of a line."""
        share = torch.tensor(points, dtype=torch.float64)[:, None]
        at = self.cumulative.gather(1, self.last) * share
        index = torch.searchsorted(self.cumulative, at, right=True).minimum(self.last)
        return self.tokens.gather(1, index)[:, 0].tolist()


def draw_from_all(logits: Tensor, sampler: Sampler, point: float) -> int:
    """A token of one line, [vocabulary], in which very many may come.

    What top-k and top-p leave is found by its least weight, so nothing is sorted.
    """
    weights = _weights(logits[None], logits.amax(), [sampler])[0].cpu()
    cumulative = bounded_weights(weights, sampler).double().cumsum(-1)
    total = cumulative[-1:]
    # The last token that may come is the first with which all is reached.
    last = torch.searchsorted(cumulative, total)
    return int(torch.searchsorted(cumulative, total * point, right=True).minimum(last))


def bounded_weights(weights: Tensor, sampler: Sampler) -> Tensor:
    """``weights``, [vocabulary], with zeros for what top-k and top-p rule out."""
    if 0 < sampler.top_k < len(weights):
        rank = len(weights) - sampler.top_k + 1
        weights = weights.where(weights >= weights.kthvalue(rank).values, 0.0)
    if sampler.top_p < 1:
        weights = functional.threshold(weights, _nucleus(weights, sampler.top_p), 0.0)
    return weights


def _nucleus(weights: Tensor, top_p: float) -> float:
    """The weight above which the likeliest tokens are that hold a share of all."""
    low, high = 0.0, 1.0
    wanted = top_p * float(weights.sum(dtype=torch.float64))
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        held = functional.threshold(weights, middle, 0.0).sum(dtype=torch.float64)
        low, high = (middle, high) if held >= wanted else (low, middle)
    return low


def _weights(logits: Tensor, best: Tensor, samplers: Sequence[Sampler]) -> Tensor:
    """How likely each token is beside the best one, [lines, 1], of its line."""
    heat = torch.tensor(
        [[sampler.temperature] for sampler in samplers], device=logits.device
    )
    # The best is taken off first: a tiny temperature cannot overflow then.
    return ((logits - best) / heat).exp()


def _lines(values: Tensor, numbers: list[int]) -> Tensor:
    """Some lines; no copy where it is all of them."""
    return values if len(numbers) == len(values) else values[numbers]
