"""Samples the next token of every reply from the logits of the model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from chatsite.wire import SamplingParams
from worker.engine.gumbel_noise import Words, gumbel_noise, random_keys
from worker.engine.logits import (
    MASS_ERROR,
    Doubles,
    Floats,
    Ints,
    Logits,
    TokenHistory,
    exact_mass,
    scores_of,
)

#: Number of most likely tokens that a step looks at first; a larger top-k raises it.
CANDIDATES: Final = 64
#: A reply that asks for more has candidates of its own, so that no other pays for them.
MAX_SHARED_CANDIDATES: Final = 1024
#: Two masses that differ by a smaller share are compared exactly.
NEAR: Final = 4 * MASS_ERROR


class Sampler:
    """The sampling parameters of one reply, which are valid.

    It has no state: randomness comes from the seed, the position and the token alone.
    So the same seed and logits give the same text on any device, beside any other
    reply, and after the engine was rebuilt.
    """

    def __init__(self, params: SamplingParams, prompt_tokens: int = 0) -> None:
        """Take parameters that passed ``validate``.

        ``prompt_tokens``: how many tokens of its history are none of the reply.
        """
        self.temperature = params.temperature
        self.top_k = params.top_k
        self.top_p = params.top_p
        self.repetition_penalty = params.repetition_penalty
        self.seed = params.seed
        #: A token with a lower score is too unlikely beside the best one.
        self.lowest_score = math.log(params.min_p) if params.min_p else -math.inf
        #: What is added to the logits of some tokens.
        self.bias = _bias_of(params.logit_bias) if params.logit_bias else None
        self.counts_tokens = bool(params.presence_penalty or params.frequency_penalty)
        self.changes_logits = (
            bool(self.bias) or self.counts_tokens or params.repetition_penalty != 1
        )
        #: How many of the likeliest tokens the request asks for; None asks for nothing.
        self.logprobs = params.logprobs
        self._presence_penalty = params.presence_penalty
        self._frequency_penalty = params.frequency_penalty
        self._prompt_tokens = prompt_tokens

    def count_penalties(self, history: Ints) -> tuple[Ints, Floats]:
        """Return what to add to the logits of the tokens that the reply has.

        ``history``: the tokens of prompt and reply. Source: "Frequency and presence
        penalties" in OpenAI's reference of its API.
        """
        reply = history[self._prompt_tokens :]
        tokens, counts = np.unique(reply, return_counts=True)
        penalties = self._presence_penalty + self._frequency_penalty * counts
        return tokens, -penalties.astype(np.float32)


def _bias_of(biases: Mapping[int, float]) -> tuple[Ints, Floats]:
    return np.array([*biases], np.int64), np.array([*biases.values()], np.float32)


@torch.inference_mode()
def sample(
    logits: Logits, samplers: Sequence[Sampler], history: TokenHistory
) -> list[int]:
    """Return the next token of each reply.

    The order is that of vLLM and transformers: logit bias, repetition penalty over
    prompt and reply, penalties for presence and frequency over the reply; then
    temperature, top-k, top-p, min-p. Bias and penalties change the logits in place.
    Raises ``NonFiniteLogits``.
    """
    if biased := {n: one.bias for n, one in enumerate(samplers) if one.bias}:
        logits.add(biased)
    logits.penalise([sampler.repetition_penalty for sampler in samplers], history)
    if counting := [n for n, one in enumerate(samplers) if one.counts_tokens]:
        tokens = {n: history.of(n).cpu().numpy() for n in counting}
        logits.add({n: samplers[n].count_penalties(tokens[n]) for n in counting})
    greedy = [n for n, sampler in enumerate(samplers) if sampler.temperature == 0]
    random = [n for n, sampler in enumerate(samplers) if sampler.temperature > 0]
    chosen: dict[int, int] = {}
    if greedy:
        chosen |= zip(greedy, logits.best(greedy)[1].tolist(), strict=True)
    if random:
        drawing = {n: samplers[n] for n in random}
        positions = history.lengths.cpu().numpy()[random]
        chosen |= zip(random, draw_tokens(logits, drawing, positions), strict=True)
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
    leaders: dict[int, Leader] = {}
    # What overflows is a logit far below the best one: its weight becomes 0.
    with np.errstate(over="ignore"):
        for group in _by_candidates(samplers, logits.vocabulary):
            group_keys = np.array([key_of[n] for n in group])
            found = Candidates.of(logits, group).leaders(group_keys)
            leaders |= zip(group, found, strict=True)
        open_rows = {n: leader for n, leader in leaders.items() if leader.is_open}
        open_keys = np.array([key_of[n] for n in open_rows], np.uint64)
        winners = find_winners(logits, open_rows, samplers, open_keys)
    return [winners.get(n, leaders[n].token) for n in samplers]


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
    #: A token is allowed if the weights of those before it have a smaller sum.
    wanted: float
    #: The noise with which a token that is no candidate may win; infinite if none may.
    least_noise: float

    @property
    def is_open(self) -> bool:
        """Whether a token that is no candidate may win."""
        return self.least_noise < math.inf


@dataclass(frozen=True, slots=True)
class Candidates:
    """The most likely tokens of each reply, and which of them the bounds allow."""

    tokens: Ints  # [replies, candidates], most likely first
    #: Logits over temperature, -inf for an excluded token: like ``tokens``.
    scores: Doubles
    #: The largest logit of each reply: [replies, 1].
    best: Floats
    #: Share of the mass that top-p asks for: [replies].
    wanted: Doubles
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
        wanted = np.where(top_ks, cumulative[:, -1], mass) * [s.top_p for s in settings]
        near = np.abs(cumulative - wanted[:, None]) <= NEAR * cumulative
        for n in np.flatnonzero(near.any(-1) & is_hot):
            row, setting = logits.row([*samplers][n]), settings[n]
            exact = exact_mass(row, best[n, 0], setting.temperature)
            wanted[n] = exact * setting.top_p
        # A token stays while the tokens before it do not reach the mass, so that at
        # least one stays.
        stays = (cumulative - weights < wanted[:, None]) & (weights > 0)
        is_reached = cumulative[:, -1] >= wanted
        if any(sampler.lowest_score > -math.inf for sampler in settings):
            # Min-p comes last: it compares with the best token, not with the mass.
            lowest = np.array([sampler.lowest_score for sampler in settings])
            stays &= scores >= lowest[:, None]
            is_reached |= scores[:, :CANDIDATES][:, -1] < lowest
        return cls(
            tokens=tokens,
            scores=np.where(stays, scores, -math.inf),
            best=best,
            wanted=wanted,
            are_enough=is_reached | (top_ks > 0) | (size == vocabulary),
        )

    def leaders(self, keys: Words) -> list[Leader]:
        """Return the leader of each reply; ``keys``: its random bits, [replies]."""
        sums = self.scores + gumbel_noise(keys[:, None], self.tokens)
        places = (np.arange(len(keys)), sums.argmax(-1))
        # No other token has a larger score than the last candidate.
        least = sums[places] - self.scores[:, :CANDIDATES][:, -1]
        least = np.where(self.are_enough, math.inf, least)
        found = (self.tokens[places], sums[places])
        columns = (*found, self.best[:, 0], self.wanted, least)
        return [*map(Leader, *(column.tolist() for column in columns))]


def find_winners(
    logits: Logits,
    leaders: Mapping[int, Leader],
    samplers: Mapping[int, Sampler],
    keys: Words,
) -> dict[int, int]:
    """Return the tokens that win against the leaders of some rows, by row.

    Only a token with much noise can have a larger sum than the leader, and few have, so
    top-p is examined for these alone. ``keys``: [leaders].
    """
    winners: dict[int, int] = {}
    if not leaders:
        return winners
    columns = [(x.sum, x.best, x.least_noise) for x in leaders.values()]
    leader_sums, best, least = np.array(columns).T
    temperatures = np.array([samplers[n].temperature for n in leaders])
    places, tokens = logits.with_noise(keys, least)
    rows = np.array([*leaders])[places]
    bests = best.astype(np.float32)[places, None]
    found = logits.at(rows, tokens)[:, None]
    scores = scores_of(found, bests, temperatures[places])[:, 0]
    sums = scores.astype(np.float64) + gumbel_noise(keys[places], tokens)
    ahead = np.flatnonzero(sums > leader_sums[places])
    ahead = ahead[np.argsort(-sums[ahead])]
    found_ahead = (column[ahead].tolist() for column in (rows, tokens, scores))
    for n, token, score in zip(*found_ahead, strict=True):
        if n in winners or score < samplers[n].lowest_score:
            continue
        if is_in_nucleus(token, n, logits, samplers[n], leaders[n]):
            winners[n] = token
    return winners


def is_in_nucleus(
    token: int, row: int, logits: Logits, sampler: Sampler, leader: Leader
) -> bool:
    """Return whether top-p allows a token: the likelier ones do not reach the mass.

    Source: nucleus sampling, Holtzman et al. 2020.
    """
    if leader.wanted == math.inf:
        return True
    asked = (leader.best, sampler.temperature)
    mass, wanted = logits.mass_above(row, token, *asked), leader.wanted
    if abs(mass - wanted) <= NEAR * wanted:
        values = logits.row(row)
        mass = exact_mass(values, *asked, above=values[token])
        wanted = exact_mass(values, *asked) * sampler.top_p
    return mass < wanted
