from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import (
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from chatsite.wire import Settings
from worker.sampling import BrokenLogits, Sampler, nucleus

VOCABULARY = 700


def logits_for(seed: int, spread: float) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(VOCABULARY, generator=generator) * spread


@given(
    seed=st.integers(0, 1000),
    spread=st.sampled_from([0.1, 1.0, 5.0]),
    top_k=st.sampled_from([0, 1, 5, 100, 699, 700, 5000]),
    top_p=st.sampled_from([0.05, 0.5, 0.9, 0.999]),
)
def test_the_candidates_are_those_of_transformers(
    seed: int, spread: float, top_k: int, top_p: float
) -> None:
    logits = logits_for(seed, spread)
    warpers = [TopKLogitsWarper(top_k)] if top_k else []
    kept = LogitsProcessorList([*warpers, TopPLogitsWarper(top_p)])(None, logits[None])
    expected = int((kept > -math.inf).sum())
    weights, tokens = nucleus(logits - logits.max(), top_k=top_k, top_p=top_p)
    # Sums in another order may round one candidate in or out.
    assert abs(len(tokens) - expected) <= 1
    allowed = set(logits.topk(min(expected + 1, VOCABULARY)).indices.tolist())
    assert set(tokens.tolist()) <= allowed
    assert len(weights) == len(tokens)


def test_without_bounds_every_token_may_come() -> None:
    weights, tokens = nucleus(torch.zeros(10), top_k=0, top_p=1.0)
    assert tokens.tolist() == list(range(10))
    assert weights.tolist() == [1.0] * 10


def test_the_repetition_penalty_is_that_of_transformers() -> None:
    logits = logits_for(3, 5.0)
    prompt = [1, 1, 5, 699]
    expected = RepetitionPenaltyLogitsProcessor(1.7)(
        torch.tensor([prompt]), logits[None].clone()
    )[0]
    sampler = Sampler(Settings(repetition_penalty=1.7), prompt)
    assert torch.equal(sampler._penalised(logits), expected)


def test_draws_follow_the_distribution() -> None:
    logits = torch.tensor([2.0, 1.0, 0.0, -1.0])
    settings = Settings(temperature=0.7, top_p=0.97, seed=5)
    sampler = Sampler(settings, ())
    draws = 20_000
    counts = torch.zeros(4)
    for _ in range(draws):
        counts[sampler.pick(logits)] += 1
    warped = TopPLogitsWarper(0.97)(
        None, TemperatureLogitsWarper(0.7)(None, logits[None])
    )
    expected = warped.softmax(-1)[0]
    assert torch.allclose(counts / draws, expected, atol=0.02)
    assert counts[3] == 0


def test_the_dice_of_one_reply_are_its_own() -> None:
    logits = logits_for(1, 1.0)
    first = Sampler(Settings(temperature=1, seed=9), ())
    alone = [first.pick(logits) for _ in range(20)]
    again, other = (Sampler(Settings(temperature=1, seed=s), ()) for s in (9, 10))
    mixed = [(again.pick(logits), other.pick(logits)) for _ in range(20)]
    assert [mine for mine, _ in mixed] == alone
    assert [others for _, others in mixed] != alone


@pytest.mark.parametrize("temperature", [0, 1e-30, 1e-5])
def test_no_or_hardly_any_temperature_picks_the_likeliest(temperature: float) -> None:
    logits = logits_for(2, 3.0)
    sampler = Sampler(Settings(temperature=temperature, top_p=1.0), ())
    assert sampler.pick(logits) == int(logits.argmax())


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_logits_that_are_no_numbers_are_refused(value: float) -> None:
    logits = logits_for(1, 1.0)
    logits[5] = value
    with pytest.raises(BrokenLogits):
        Sampler(Settings(), ()).pick(logits)
