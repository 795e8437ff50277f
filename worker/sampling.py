"""Chooses the next token of every reply from the logits of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from chatsite.wire import Settings

#: So many of the likeliest tokens are looked at first; more only where they do not do.
FIRST_CANDIDATES: Final = 64
NEXT_CANDIDATES: Final = 8
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


class Taste:
    """How the tokens of one reply are chosen, with its own dice.

    The dice are thrown on the CPU, one throw a token: the same seed and logits give
    the same tokens on any device and beside any other reply.
    """

    def __init__(self, settings: Settings) -> None:
        """Raises ``BadSettings``."""
        check(settings)
        self.temperature = settings.temperature
        self.top_k = settings.top_k
        self.top_p = settings.top_p
        self.repetition_penalty = settings.repetition_penalty
        self._dice = torch.Generator().manual_seed(settings.seed)

    @property
    def is_bounded(self) -> bool:
        """Whether some tokens are ruled out beforehand."""
        return self.top_k > 0 or self.top_p < 1

    def throw(self) -> float:
        """A number from 0 to 1, never 1 itself."""
        return float(torch.rand((), generator=self._dice, dtype=torch.float64))


@dataclass(frozen=True, slots=True)
class Said:
    """The tokens of prompt and reply so far, one reply a line."""

    ids: Tensor  # [replies, longest]
    #: How many of each line count: [replies], at least 1.
    lengths: Tensor


def choose(logits: Tensor, tastes: Sequence[Taste], said: Said) -> list[int]:
    """The next token of each reply. ``logits``: float32 [replies, vocabulary].

    The order is that of transformers: repetition penalty over prompt and reply, then
    temperature, top-k, top-p. Raises ``BrokenLogits``.
    """
    if not torch.isfinite(logits.amax(-1)).all():
        raise BrokenLogits("the logits are not finite")
    logits = penalised(logits, [taste.repetition_penalty for taste in tastes], said)
    greedy = [n for n, taste in enumerate(tastes) if taste.temperature == 0]
    drawn = [n for n, taste in enumerate(tastes) if taste.temperature > 0]
    chosen = dict(zip(greedy, _lines(logits, greedy).argmax(-1).tolist(), strict=True))
    if drawn:
        picked = draw(_lines(logits, drawn), [tastes[n] for n in drawn])
        chosen |= zip(drawn, picked, strict=True)
    return [chosen[n] for n in range(len(tastes))]


def penalised(logits: Tensor, penalties: Sequence[float], said: Said) -> Tensor:
    """Make what was said less likely (CTRL, Keskar et al. 2019)."""
    if all(penalty == 1 for penalty in penalties):
        return logits
    ids = said.ids
    past = torch.arange(ids.shape[1], device=ids.device) >= said.lengths[:, None]
    ids = ids.where(~past, ids[:, :1])  # [replies, longest]
    penalty = torch.tensor(penalties, device=logits.device)[:, None]
    scores = logits.gather(1, ids)
    scores = torch.where(scores < 0, scores * penalty, scores / penalty)
    return logits.scatter(1, ids, scores)


def draw(logits: Tensor, tastes: Sequence[Taste]) -> list[int]:
    """A token for each line of ``logits``, float32 [replies, vocabulary]."""
    throws = [taste.throw() for taste in tastes]
    free = [n for n, taste in enumerate(tastes) if not taste.is_bounded]
    left = [n for n, taste in enumerate(tastes) if taste.is_bounded]
    chosen = dict(zip(free, _from_all(logits, free, tastes, throws), strict=True))
    size = FIRST_CANDIDATES
    while left:
        bounds = [tastes[n] for n in left]
        likeliest = Likeliest.of(_lines(logits, left), bounds, size)
        picked = likeliest.pick([throws[n] for n in left])
        enough = likeliest.is_enough.tolist()
        lines = zip(left, picked, enough, strict=True)
        chosen |= {n: token for n, token, is_enough in lines if is_enough}
        left, size = [n for n in left if n not in chosen], size * NEXT_CANDIDATES
    return [chosen[n] for n in range(len(tastes))]


def _from_all(
    logits: Tensor, lines: list[int], tastes: Sequence[Taste], throws: Sequence[float]
) -> list[int]:
    """A token each for lines in which every token of the vocabulary may come."""
    if not lines:
        return []
    logits = _lines(logits, lines)
    best = logits.amax(-1, keepdim=True)
    weights = _weights(logits, best, [tastes[n] for n in lines])
    cumulative = weights.cpu().double().cumsum(-1)
    last = torch.full((len(lines), 1), cumulative.shape[1] - 1)
    return _found(cumulative, last, [throws[n] for n in lines])[:, 0].tolist()


@dataclass(frozen=True, slots=True)
class Likeliest:
    """The likeliest tokens of each line, those left by top-k and top-p: no full sort.

    Computed on the CPU: few numbers, and some devices have no float64.
    """

    tokens: Tensor  # [lines, candidates], likeliest first
    cumulative: Tensor  # float64 [lines, candidates]
    #: The last candidate that may come: [lines, 1].
    last: Tensor
    #: False where more candidates are needed to know: [lines].
    is_enough: Tensor

    @classmethod
    def of(cls, logits: Tensor, tastes: Sequence[Taste], size: int) -> Likeliest:
        """Of ``logits``, [lines, vocabulary], the ``size`` likeliest."""
        vocabulary = logits.shape[1]
        size = min(size, vocabulary)
        best = logits.topk(size)
        limits = torch.tensor([[taste.top_k or vocabulary] for taste in tastes])
        has_limit = limits < vocabulary
        top = best.values[:, :1]
        weights = _weights(best.values, top, tastes).cpu().double()  # [lines, size]
        weights = weights.where(torch.arange(size) < limits, 0.0)
        cumulative = weights.cumsum(-1)
        # With top-k, top-p is a share of the mass of those k.
        mass = cumulative[:, -1:]
        if not has_limit.all():
            all_mass = _weights(logits, top, tastes).sum(-1, keepdim=True)
            mass = mass.where(has_limit, all_mass.cpu().double())
        wanted = mass * torch.tensor([[taste.top_p] for taste in tastes]).double()
        # A token stays while those before it do not reach the mass: one always stays.
        stays = (cumulative - weights < wanted) & (weights > 0)
        is_enough = torch.where(has_limit, limits <= size, cumulative[:, -1:] >= wanted)
        return cls(
            tokens=best.indices.cpu(),
            cumulative=cumulative,
            last=(stays.sum(-1, keepdim=True) - 1).clamp(min=0),
            is_enough=is_enough[:, 0] | (size == vocabulary),
        )

    def pick(self, throws: Sequence[float]) -> list[int]:
        index = _found(self.cumulative, self.last, throws)
        return self.tokens.gather(1, index)[:, 0].tolist()


def _weights(logits: Tensor, best: Tensor, tastes: Sequence[Taste]) -> Tensor:
    """How likely each token is beside the best one, [lines, 1], of its line."""
    heat = torch.tensor([taste.temperature for taste in tastes], device=logits.device)
    # The best is taken off first: a tiny temperature cannot overflow then.
    return ((logits - best) / heat[:, None]).exp()


def _found(cumulative: Tensor, last: Tensor, throws: Sequence[float]) -> Tensor:
    """Where each throw falls, up to the last that may come: [lines, 1]."""
    share = torch.tensor(throws, dtype=torch.float64)[:, None]
    point = cumulative.gather(1, last) * share
    return torch.searchsorted(cumulative, point, right=True).minimum(last)


def _lines(values: Tensor, numbers: list[int]) -> Tensor:
    """Some lines; no copy where it is all of them."""
    return values if len(numbers) == len(values) else values[numbers]
