"""Samples the next token of every reply from the logits of the model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
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
from worker.engine.logits import (
    Doubles,
    Floats,
    Ints,
    Logits,
    TokenHistory,
    logits_of,
    scores_of,
)

Words = npt.NDArray[np.uint64]

#: Number of most likely tokens that a step looks at first. A larger top-k raises it up
#: to the maximum; beyond that the whole vocabulary is used.
CANDIDATES: Final = 64
MAX_CANDIDATES: Final = 1024
#: Constants of SplitMix64.
GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
FIRST_FACTOR: Final = np.uint64(0xBF58476D1CE4E5B9)
SECOND_FACTOR: Final = np.uint64(0x94D049BB133111EB)
ELEVEN, TWENTY_SEVEN, THIRTY, THIRTY_ONE = (np.uint64(n) for n in (11, 27, 30, 31))


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

    @property
    def is_bounded(self) -> bool:
        """Whether top-k or top-p excludes some tokens."""
        return self.top_k > 0 or self.top_p < 1


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

    ``positions``: those of the tokens to come, [rows drawn].
    """
    keys = random_keys([sampler.seed for sampler in samplers.values()], positions)
    key_of = dict(zip(samplers, keys, strict=True))
    bounded = {n: sampler for n, sampler in samplers.items() if sampler.is_bounded}
    chosen: dict[int, int] = {}
    # What overflows is a logit far below the best one: its weight becomes 0.
    with np.errstate(over="ignore"):
        if bounded:
            found = Candidates.of(logits, bounded)
            bounded_keys = np.array([key_of[n] for n in bounded])
            drawn = gumbel_max(found.scores, found.tokens, bounded_keys).tolist()
            rows = zip(bounded, drawn, found.are_enough.tolist(), strict=True)
            chosen = {n: token for n, token, are_enough in rows if are_enough}
        for n, sampler in samplers.items():
            if n not in chosen:
                scores = full_vocabulary_scores(logits.row(n), sampler)
                allowed = np.flatnonzero(scores > -math.inf)[None]
                (token,) = gumbel_max(scores[allowed], allowed, key_of[n][None])
                chosen[n] = int(token)
    return [chosen[n] for n in samplers]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The most likely tokens of each reply, and which of them top-k and top-p allow."""

    tokens: Ints  # [replies, candidates], most likely first
    #: Logits over temperature, -inf for an excluded token: like ``tokens``.
    scores: Doubles
    #: False where a token beyond the candidates may come too: [replies].
    are_enough: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, logits: Logits, samplers: Mapping[int, Sampler]) -> Candidates:
        """Select from the rows that ``samplers`` names, each with bounds."""
        top_ks = [min(one.top_k, logits.vocabulary) for one in samplers.values()]
        size = max(CANDIDATES, *(k for k in top_ks if k <= MAX_CANDIDATES), 0)
        size = min(size, logits.vocabulary)
        largest, tokens = logits.top([*samplers], size)
        temperatures = [sampler.temperature for sampler in samplers.values()]
        scores = scores_of(largest, largest[:, :1], temperatures).astype(np.float64)
        # With top-k, top-p is a share of the mass of those k tokens. Without it, a row
        # uses the same number of candidates whatever its neighbours ask for.
        limits = np.array([[k or CANDIDATES] for k in top_ks])
        has_limit = np.array([k > 0 for k in top_ks])
        weights = np.where(np.arange(size) < limits, np.exp(scores), 0.0)
        cumulative = weights.cumsum(-1)
        mass = cumulative[:, -1].copy()
        unlimited = np.flatnonzero(~has_limit)
        if len(unlimited):
            rows = [n for n, k in zip(samplers, top_ks, strict=True) if not k]
            hot = [samplers[n].temperature for n in rows]
            mass[unlimited] = logits.mass(rows, largest[unlimited, :1], hot)
        shares = np.array([sampler.top_p for sampler in samplers.values()])
        wanted = (mass * shares)[:, None]
        # A token stays while the tokens before it do not reach the mass, so that at
        # least one stays.
        stays = (cumulative - weights < wanted) & (weights > 0)
        is_reached = cumulative[:, -1] >= wanted[:, 0]
        return cls(
            tokens=tokens,
            scores=np.where(stays, scores, -math.inf),
            are_enough=np.where(has_limit, limits[:, 0] <= size, is_reached),
        )


def full_vocabulary_scores(logits: Floats, sampler: Sampler) -> Doubles:
    """Return the scores of one reply over the whole vocabulary, [vocabulary].

    -inf where top-k or top-p excludes a token. ``logits``: [vocabulary].
    """
    best = logits.max(keepdims=True)[None]  # [1, 1]
    scores = scores_of(logits[None], best, [sampler.temperature])[0]
    weights = np.exp(scores)
    if 0 < sampler.top_k < len(weights):
        rank = len(weights) - sampler.top_k
        weights[weights < np.partition(weights, rank)[rank]] = 0
    if sampler.top_p < 1:
        weights[weights < _smallest_in_nucleus(weights, sampler.top_p)] = 0
    return np.where(weights == 0, -math.inf, scores.astype(np.float64))


def _smallest_in_nucleus(weights: Floats, top_p: float) -> np.float32:
    """Return the weight from which on the tokens hold a share ``top_p`` of all weight.

    Source: nucleus sampling, Holtzman et al. 2020.
    """
    falling = np.sort(weights)[::-1]
    held = falling.cumsum(dtype=np.float64)
    count = held.searchsorted(top_p * held[-1])
    return np.float32(falling[count])


def gumbel_max(scores: Doubles, tokens: Ints, keys: Words) -> Ints:
    """Return a token of each row, with probability softmax(scores): Gumbel-max trick.

    Where rounding differs, only a near tie of two tokens can change the result. A point
    on the cumulative weights would lie near a border of two tokens a hundred times as
    often. ``scores`` and ``tokens``: [rows, candidates]; ``keys`` and result: [rows].
    """
    noise = -np.log(-np.log(uniform(keys[:, None], tokens)))
    best = (scores + noise).argmax(-1, keepdims=True)
    return np.take_along_axis(tokens, best, -1)[:, 0]


def random_keys(seeds: Sequence[int], positions: Ints) -> Words:
    """Return 64 pseudo-random bits for each seed and position, [rows]."""
    seed_words = np.array(seeds, dtype=np.int64).view(np.uint64)
    return splitmix64(splitmix64(seed_words) + positions.astype(np.uint64) * GOLDEN)


def uniform(keys: Words, tokens: Ints) -> Doubles:
    """Return numbers between 0 and 1 that depend on key and token alone."""
    bits = splitmix64(keys ^ (tokens.astype(np.uint64) * GOLDEN))
    return ((bits >> ELEVEN).astype(np.float64) + 0.5) * 2.0**-53


def splitmix64(words: Words) -> Words:
    """Apply the finaliser of SplitMix64; products wrap around.

    Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
    OOPSLA 2014.
    """
    words = (words ^ (words >> THIRTY)) * FIRST_FACTOR
    words = (words ^ (words >> TWENTY_SEVEN)) * SECOND_FACTOR
    return words ^ (words >> THIRTY_ONE)
