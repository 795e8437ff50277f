"""Drawing in C: the same tokens as without it, for any logits."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from chatsite.wire import SamplingParams
from tests.environment import IS_SOAK
from tests.worker.engine.native.reference import random_decoder
from worker.engine.cpu_logits import CPULogits
from worker.engine.device_logits import DeviceLogits
from worker.engine.gumbel_noise import tokens_with_noise
from worker.engine.logits import (
    MASS_ERROR,
    Logits,
    NonFiniteLogits,
    TokenHistory,
    exact_mass,
)
from worker.engine.native import draw, instruction_sets
from worker.engine.native.forward import NativeForward
from worker.engine.sampling import (
    Candidates,
    Leader,
    Sampler,
    is_in_nucleus,
    sample,
)

#: Less than a block, whole blocks with a rest, and more blocks than candidates.
VOCABULARIES = [3, 257, 2000, 20_011]
EXAMPLES = 200 if IS_SOAK else 25
Wrap = Callable[[Tensor], Logits]


@pytest.fixture(scope="module", params=instruction_sets.available())
def native(request: pytest.FixtureRequest, builds: Path) -> Wrap:
    """Wraps logits for the C library, which draws on three threads."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(instruction_sets.VARIABLE, request.param)
        forward = NativeForward(random_decoder(), "fp32", 3, folder=builds)
    return forward.wrap_logits


def random_logits(seed: int, rows: int, vocabulary: int, spread: float) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(rows, vocabulary, generator=generator) * spread
    # Some logits are equal, and some tokens cannot be drawn.
    logits[:, ::7] = logits[:, ::7].round()
    logits[:, 1::31] = -math.inf
    return logits


@settings(max_examples=EXAMPLES)
@given(
    seed=st.integers(0, 2**20),
    vocabulary=st.sampled_from(VOCABULARIES),
    spread=st.sampled_from([0.01, 1.0, 4.0, 30.0]),
    asked=st.lists(
        st.builds(
            SamplingParams,
            temperature=st.sampled_from([0, 1e-30, 0.3, 0.7, 1.0, 2.0]),
            top_k=st.sampled_from([0, 0, 50, 1500]),
            top_p=st.sampled_from([0.1, 0.9, 0.99, 1.0]),
            min_p=st.sampled_from([0.0, 0.0, 0.001, 0.5]),
            presence_penalty=st.sampled_from([0.0, 1.5]),
            logit_bias=st.sampled_from([{}, {0: -100.0, 2: 5.5}]),
            seed=st.integers(0, 2**40),
        ),
        min_size=1,
        max_size=5,
    ),
)
def test_the_same_tokens_are_sampled(
    native: Wrap, seed: int, vocabulary: int, spread: float, asked: list[SamplingParams]
) -> None:
    logits = random_logits(seed, len(asked), vocabulary, spread)
    samplers = [Sampler(one, prompt_tokens=1) for one in asked]
    ids = torch.tensor([[0, 1, 2, 1]]).expand(len(asked), -1)
    history = TokenHistory(ids, torch.arange(len(asked)) % 4 + 1)
    found, expected = (
        sample(wrap(logits.clone()), samplers, history) for wrap in (native, CPULogits)
    )
    assert found == expected


@settings(max_examples=EXAMPLES)
@given(
    st.integers(0, 2**20),
    st.sampled_from(VOCABULARIES),
    st.sampled_from([1, 2, 64, 1025]),
)
def test_the_largest_logits_are_the_same(
    native: Wrap, seed: int, vocabulary: int, size: int
) -> None:
    logits = random_logits(seed, 3, vocabulary, 3.0)
    asked = ([2, 0], min(size, vocabulary), [0.0, 0.0])
    values, tokens, _ = native(logits).top(*asked)
    expected = CPULogits(logits).top(*asked)
    assert np.array_equal(values, expected[0])
    assert np.array_equal(tokens, expected[1])
    best, likeliest = native(logits).best([2, 0])
    assert np.array_equal(best, expected[0][:, 0])
    assert np.array_equal(likeliest, expected[1][:, 0])


@settings(max_examples=EXAMPLES)
@given(
    st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=3),
    st.sampled_from(VOCABULARIES),
    st.floats(-5, 40),
)
def test_the_same_tokens_have_much_noise(
    native: Wrap, keys: list[int], vocabulary: int, least: float
) -> None:
    words, bounds = np.array(keys, np.uint64), np.full(len(keys), least)
    places, tokens = native(torch.zeros(1, vocabulary)).with_noise(words, bounds)
    expected = tokens_with_noise(words, vocabulary, bounds)
    assert np.array_equal(places, expected[0])
    assert np.array_equal(tokens, expected[1])


@pytest.mark.parametrize("least", [-2.0, 1.0, 5.0])
def test_more_tokens_with_noise_than_expected_are_found_too(
    native: Wrap, monkeypatch: pytest.MonkeyPatch, least: float
) -> None:
    monkeypatch.setattr(draw, "DEVIATIONS", -5)
    keys, bounds = np.arange(1, 4, dtype=np.uint64), np.full(3, least)
    places, tokens = native(torch.zeros(1, 5000)).with_noise(keys, bounds)
    expected = tokens_with_noise(keys, 5000, bounds)
    assert np.array_equal(places, expected[0])
    assert np.array_equal(tokens, expected[1])


@settings(max_examples=EXAMPLES)
@given(
    seed=st.integers(0, 2**20),
    vocabulary=st.sampled_from(VOCABULARIES),
    spread=st.sampled_from([0.0, 0.01, 1.0, 4.0, 30.0]),
    temperature=st.sampled_from([1e-30, 0.3, 1.0, 3.0]),
)
def test_masses_are_as_near_as_promised(
    native: Wrap, seed: int, vocabulary: int, spread: float, temperature: float
) -> None:
    logits = random_logits(seed, 1, vocabulary, spread)
    row = logits[0].numpy()
    best, token = float(row.max()), seed % vocabulary
    with np.errstate(over="ignore"):
        exact = exact_mass(row, best, temperature)
        above = exact_mass(row, best, temperature, above=row[token])
        for wrap in (native, CPULogits, DeviceLogits):
            wrapped = wrap(logits)
            mass = wrapped.top([0], 1, [temperature])[2][0]
            assert abs(mass - exact) <= MASS_ERROR * exact
            found = wrapped.mass_above(0, token, best, temperature)
            assert abs(found - above) <= MASS_ERROR * above


def test_the_weight_of_any_score_is_as_near_as_promised(native: Wrap) -> None:
    """Beside the best logit there is one other, whose weight is what remains."""
    scores = -np.geomspace(1e-8, 80, 4000, dtype=np.float32)
    for score in [*scores.tolist(), -86.9]:
        logits = torch.tensor([[0.0, score, -math.inf]])
        weight = native(logits).mass_above(0, 2, 0.0, 1.0) - 1
        exact = math.exp(float(np.float32(score)))
        # What the sum of both in double precision leaves of the smaller one.
        assert abs(weight - exact) <= 2.0**-22 * exact + 2.0**-52


@pytest.mark.parametrize("vocabulary", [200, 5000])
@pytest.mark.parametrize("temperature", [0.7, 1.0])
def test_a_mass_that_is_reached_exactly_decides_everywhere_alike(
    native: Wrap, vocabulary: int, temperature: float
) -> None:
    """Each top-p ends at one of the candidates, as near as numbers can tell."""
    logits = random_logits(5, 1, vocabulary, 2.0)
    values = CPULogits(logits).top([0], 64, [0.0])[0][0]
    with np.errstate(over="ignore"):
        best = float(values[0])
        exact = exact_mass(logits[0].numpy(), best, temperature)
        scores = (values - values[0]) / np.float32(temperature)
        sums = np.exp(scores.astype(np.float64)).cumsum()
        for share in (sums / exact).tolist():
            sampler = Sampler(SamplingParams(temperature=temperature, top_p=share))
            found = [
                Candidates.of(wrap(logits), {0: sampler})
                for wrap in (native, CPULogits, DeviceLogits)
            ]
            assert len({one.wanted.tobytes() for one in found}) == 1
            assert len({one.are_enough.tobytes() for one in found}) == 1
            assert found[0].wanted == exact * share


@pytest.mark.parametrize("temperature", [0.7, 1.0])
def test_a_mass_before_a_token_that_is_reached_exactly_decides_everywhere_alike(
    native: Wrap, temperature: float
) -> None:
    """Each top-p is the share of the tokens before one that is no candidate."""
    logits = random_logits(6, 1, 2000, 1.0)
    row, best = logits[0].numpy(), float(logits.max())
    exact = exact_mass(row, best, temperature)
    for token in (-row).argsort()[65:600:15].tolist():
        share = exact_mass(row, best, temperature, above=row[token]) / exact
        sampler = Sampler(SamplingParams(temperature=temperature, top_p=share))
        leader = Leader(0, 0.0, best, exact * share * (1 + MASS_ERROR), 0.0)
        found = [
            is_in_nucleus(token, 0, wrap(logits), sampler, leader)
            for wrap in (native, CPULogits, DeviceLogits)
        ]
        mass = exact_mass(row, best, temperature, above=row[token])
        assert found == [mass < exact * share] * 3


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("token", [0, 300, 1999])
def test_logits_that_are_not_finite_are_refused(
    native: Wrap, value: float, token: int
) -> None:
    logits = random_logits(1, 2, 2000, 1.0)
    logits[1, token] = value
    assert native(logits).top([0], 64, [1.0])[1].shape == (1, 64)
    for rows in ([1], [0, 1]):
        with pytest.raises(NonFiniteLogits):
            native(logits).top(rows, 64, [1.0] * len(rows))
        with pytest.raises(NonFiniteLogits):
            native(logits).best(rows)


def test_a_row_without_any_token_is_refused(native: Wrap) -> None:
    with pytest.raises(NonFiniteLogits):
        native(torch.full((1, 500), -math.inf)).top([0], 64, [1.0])
