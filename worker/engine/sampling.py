"""Samples the next token of every reply from the logits of the model."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from chatsite.sampling_settings import (
    SAMPLING_SETTINGS,
    STOP_STRING_CHARACTERS_MAX,
    STOP_STRINGS_MAX,
)
from chatsite.wire import SamplingParams
from worker.engine.gumbel_noise import (
    Words,
    gumbel_noise,
    random_keys,
    tokens_with_noise,
)
from worker.engine.logits import (
    Doubles,
    Floats,
    Ints,
    Logits,
    TokenHistory,
    logits_of,
    scores_of,
    sum_of,
    weights_of,
)

#: Number of most likely tokens that a step looks at first; a larger top-k raises it.
CANDIDATES: Final = 64
#: A reply that asks for more has candidates of its own, so that no other pays for them.
MAX_SHARED_CANDIDATES: Final = 1024


class InvalidSamplingParams(ValueError):
    """Parameters that cannot be sampled with. The message names one, never its text."""


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


@torch.inference_mode()
def sample(
    logits: Tensor, samplers: Sequence[Sampler], history: TokenHistory
) -> list[int]:
    """Return the next token of each reply. ``logits``: float32 [replies, vocabulary].

    The order is that of transformers: repetition penalty over prompt and reply, then
    temperature, top-k, top-p. A penalty changes the logits in place. Raises
    ``NonFiniteLogits``.
    """
    rows = logits_of(logits)
    rows.penalise([sampler.repetition_penalty for sampler in samplers], history)
    greedy = [n for n, sampler in enumerate(samplers) if sampler.temperature == 0]
    random = [n for n, sampler in enumerate(samplers) if sampler.temperature > 0]
    chosen: dict[int, int] = {}
    if greedy:
        chosen |= zip(greedy, rows.best(greedy)[1].tolist(), strict=True)
    if random:
        drawing = {n: samplers[n] for n in random}
        positions = history.lengths.cpu().numpy()[random]
        chosen |= zip(random, draw_tokens(rows, drawing, positions), strict=True)
    return [chosen[n] for n in range(len(samplers))]


def draw_tokens(
    logits: Logits, samplers: Mapping[int, Sampler], positions: Ints
) -> list[int]:
    """Draw a token for the rows of ``logits`` that ``samplers`` names, in its order.

    Every token has a score and some noise, and the largest sum wins (``gumbel_noise``).
    Where rounding differs, only a near tie of two tokens can change the result. A point
    on the cumulative weights would lie near a border of two tokens a hundred times as
    often. ``positions``: those of the tokens to come, [rows drawn].
    """
    keys = random_keys([sampler.seed for sampler in samplers.values()], positions)
    key_of = dict(zip(samplers, keys, strict=True))
    chosen: dict[int, int] = {}
    for group in _by_candidates(samplers, logits.vocabulary):
        group_keys = np.array([key_of[n] for n in group])
        # What overflows is a logit far below the best one: its weight becomes 0.
        with np.errstate(over="ignore"):
            leaders = Candidates.of(logits, group).leaders(group_keys)
            for n, leader in zip(group, leaders, strict=True):
                chosen[n] = leader.token
                if leader.least_noise < math.inf:
                    chosen[n] = winner(leader, logits.row(n), samplers[n], key_of[n])
    return [chosen[n] for n in samplers]


def _by_candidates(
    samplers: Mapping[int, Sampler], vocabulary: int
) -> list[Mapping[int, Sampler]]:
    """Divide replies so that none gets many candidates because of a neighbour."""
    wide = {
        n: sampler
        for n, sampler in samplers.items()
        if MAX_SHARED_CANDIDATES < sampler.top_k < vocabulary
    }
    usual = {n: sampler for n, sampler in samplers.items() if n not in wide}
    return [group for group in (usual, *({n: wide[n]} for n in wide)) if group]


@dataclass(frozen=True, slots=True)
class Leader:
    """The candidate of one reply that has the largest sum of score and noise."""

    token: int
    sum: float
    #: The largest logit of the reply.
    best: float
    #: The noise with which a token that is no candidate may win; infinite if none may.
    least_noise: float


@dataclass(frozen=True, slots=True)
class Candidates:
    """The most likely tokens of each reply, and which of them top-k and top-p allow."""

    tokens: Ints  # [replies, candidates], most likely first
    #: Logits over temperature, -inf for an excluded token: like ``tokens``.
    scores: Doubles
    #: The largest logit of each reply: [replies, 1].
    best: Floats
    #: False where a token beyond the candidates may come too: [replies].
    are_enough: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, logits: Logits, samplers: Mapping[int, Sampler]) -> Candidates:
        """Select from the rows that ``samplers`` names."""
        settings, vocabulary = [*samplers.values()], logits.vocabulary
        top_ks = np.array([s.top_k if s.top_k < vocabulary else 0 for s in settings])
        size = min(max(CANDIDATES, *top_ks.tolist()), vocabulary)
        # A row without top-k uses the same number of candidates whatever its neighbours
        # ask for, and top-p is then a share of the mass of the whole vocabulary.
        is_hot = (top_ks == 0) & np.array([s.top_p < 1 for s in settings])
        limits = np.where(top_ks, top_ks, CANDIDATES)[:, None]
        temperatures = [s.temperature for s in settings]
        hot = np.where(is_hot, temperatures, 0).tolist()
        largest, tokens, mass = logits.top([*samplers], size, hot)
        best = largest[:, :1]
        scores = scores_of(largest, best, temperatures).astype(np.float64)
        weights = np.where(np.arange(size) < limits, np.exp(scores), 0.0)
        cumulative = weights.cumsum(-1)
        mass = np.where(top_ks, cumulative[:, -1], mass)
        wanted = (mass * [s.top_p for s in settings])[:, None]
        # A token stays while the tokens before it do not reach the mass, so that at
        # least one stays.
        stays = (cumulative - weights < wanted) & (weights > 0)
        is_reached = cumulative[:, -1] >= wanted[:, 0]
        return cls(
            tokens=tokens,
            scores=np.where(stays, scores, -math.inf),
            best=best,
            are_enough=is_reached | (top_ks > 0) | (size == vocabulary),
        )

    def leaders(self, keys: Words) -> list[Leader]:
        """Return the leader of each reply; ``keys``: its random bits, [replies]."""
        sums = self.scores + gumbel_noise(keys[:, None], self.tokens)
        places = (np.arange(len(keys)), sums.argmax(-1))
        # No other token has a larger score than the last candidate.
        least = sums[places] - self.scores[:, :CANDIDATES][:, -1]
        least = np.where(self.are_enough, math.inf, least)
        columns = (self.tokens[places], sums[places], self.best[:, 0], least)
        return [*map(Leader, *(column.tolist() for column in columns))]


def winner(leader: Leader, logits: Floats, sampler: Sampler, key: np.uint64) -> int:
    """Return the token that is drawn from the whole vocabulary, often the leader.

    Only a token with much noise can have a larger sum than the leader, and few have, so
    top-p is examined for these alone. ``logits``: [vocabulary].
    """
    tokens = tokens_with_noise(key, len(logits), leader.least_noise)
    scores = scores_of(logits[None, tokens], leader.best, [sampler.temperature])[0]
    sums = scores.astype(np.float64) + gumbel_noise(key, tokens)
    ahead = np.argsort(-sums)[: np.count_nonzero(sums > leader.sum)]
    allowed = _in_nucleus(tokens[ahead].tolist(), logits, sampler, leader.best)
    return next(allowed, leader.token)


def _in_nucleus(
    tokens: Sequence[int], logits: Floats, sampler: Sampler, best: float
) -> Iterator[int]:
    """Yield those of some tokens that top-p allows: the heavier ones do not reach it.

    Source: nucleus sampling, Holtzman et al. 2020.
    """
    if sampler.top_p == 1 or not tokens:
        yield from tokens
        return
    weights = weights_of(logits, best, sampler.temperature)
    wanted = sum_of(weights) * sampler.top_p
    for token in tokens:
        if sum_of(weights * (weights > weights[token])) < wanted:
            yield token
