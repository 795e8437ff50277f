"""Sampling equals that of transformers, and depends on the seed alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from chatsite.wire import SamplingParams
from tests.environment import IS_SOAK
from worker.engine.cpu_logits import CPULogits
from worker.engine.device_logits import DeviceLogits
from worker.engine.gumbel_noise import (
    gumbel_noise,
    random_keys,
    tokens_with_noise,
    uniform,
)
from worker.engine.logits import (
    NonFiniteLogits,
    TokenHistory,
)
from worker.engine.sampling import Candidates, Sampler, draw_tokens, sample

#: More than the number of candidates.
VOCABULARY = 2000
TOKENS = np.arange(VOCABULARY)
#: A history that no test case reads.
NO_HISTORY = TokenHistory(
    torch.zeros((1, 1), dtype=torch.long), torch.ones(1, dtype=torch.long)
)


def logits_for(seed: int, spread: float) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(VOCABULARY, generator=generator) * spread


def no_history(lines: int) -> TokenHistory:
    return TokenHistory(
        torch.zeros((lines, 1), dtype=torch.long), torch.ones(lines).long()
    )


def drawn(
    logits: torch.Tensor, settings: list[SamplingParams], positions: list[int]
) -> list[int]:
    """One token for each row of the logits."""
    samplers = {n: Sampler(one) for n, one in enumerate(settings)}
    return draw_tokens(CPULogits(logits), samplers, np.array(positions))


@given(
    seed=st.integers(0, 1000),
    spread=st.sampled_from([0.1, 1.0, 5.0]),
    temperature=st.sampled_from([0.3, 1.0, 2.0]),
    top_k=st.sampled_from([0, 1, 5, 100, 1024, 1025, 1999, 2000, 5000]),
    top_p=st.sampled_from([0.05, 0.5, 0.9, 0.999, 1 - 1e-9, 1.0]),
    min_p=st.sampled_from([0, 0, 1e-6, 0.01, 0.3, 1]),
)
def test_the_drawn_token_is_the_best_of_those_that_transformers_allows(
    seed: int, spread: float, temperature: float, top_k: int, top_p: float, min_p: float
) -> None:
    logits = logits_for(seed, spread)[None]
    warpers = LogitsProcessorList([TemperatureLogitsWarper(temperature)])
    warpers += [TopKLogitsWarper(top_k)] if top_k else []
    warpers += [TopPLogitsWarper(top_p)] if top_p < 1 else []
    warpers += [MinPLogitsWarper(min_p)]
    kept = int((warpers(None, logits) > -math.inf).sum())
    settings = SamplingParams(
        temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, seed=seed
    )
    for position in range(8):
        key = random_keys([seed], np.array([position]))
        sums = logits[0].numpy() / temperature + gumbel_noise(key, TOKENS)
        likeliest = logits[0].argsort(descending=True).numpy()
        # A sum in another order may round one candidate in or out.
        expected = {
            int(likeliest[:count][sums[likeliest[:count]].argmax()])
            for count in range(max(1, kept - 1), kept + 2)
        }
        assert drawn(logits, [settings], [position])[0] in expected


@given(st.integers(0, 2**64 - 1), st.floats(-5, 40))
def test_all_tokens_with_much_noise_are_found(key: int, least: float) -> None:
    word = np.uint64(key)
    noise = gumbel_noise(word, TOKENS)
    places, found = tokens_with_noise(word[None], VOCABULARY, np.array([least]))
    assert not places.any()
    assert {*np.flatnonzero(noise >= least)} <= {*found}
    # The others miss it by less than the 31 random bits that are compared.
    share = np.exp(-np.exp(-least))
    assert (np.exp(-np.exp(-noise[found])) >= share - 2.0**-30).all()


SETTINGS = st.builds(
    SamplingParams,
    temperature=st.sampled_from([0, 0.2, 1.0, 3.0]),
    top_k=st.sampled_from([0, 1, 50, 300, 1500]),
    top_p=st.sampled_from([0.3, 0.95, 1.0]),
    repetition_penalty=st.sampled_from([1.0, 1.3]),
    min_p=st.sampled_from([0.0, 0.0, 1e-4, 0.2, 1.0]),
    presence_penalty=st.sampled_from([0.0, -2.0, 1.1]),
    frequency_penalty=st.sampled_from([0.0, 0.3]),
    logit_bias=st.sampled_from([{}, {0: 100}, {3: -100, 1999: 7.5}]),
    seed=st.integers(0, 2**40),
)


@given(st.lists(SETTINGS, min_size=1, max_size=8), st.integers(0, 99))
def test_each_row_is_sampled_as_if_alone(
    settings: list[SamplingParams], seed: int
) -> None:
    logits = torch.stack([logits_for(seed + n, 3.0) for n in range(len(settings))])
    ids = torch.arange(4 * len(settings)).view(-1, 4) % VOCABULARY
    lengths = torch.arange(len(settings)) % 4 + 1
    samplers = [Sampler(one, prompt_tokens=1) for one in settings]
    together = sample(CPULogits(logits.clone()), samplers, TokenHistory(ids, lengths))
    alone = [
        sample(
            CPULogits(logits[n : n + 1].clone()),
            [Sampler(one, prompt_tokens=1)],
            TokenHistory(ids[n : n + 1, : int(lengths[n])], lengths[n : n + 1]),
        )[0]
        for n, one in enumerate(settings)
    ]
    assert together == alone


def test_without_bounds_every_token_is_allowed() -> None:
    settings = [SamplingParams(temperature=1, top_p=1.0)] * 2000
    assert {*drawn(torch.zeros(2000, 10), settings, [*range(2000)])} == {*range(10)}


def test_top_p_uses_the_same_candidates_beside_a_larger_top_k() -> None:
    # 64 candidates do not suffice here; the neighbour's 300 would.
    logits = torch.stack([logits_for(1, 1.5), logits_for(2, 1.5)])
    beside = SamplingParams(temperature=1, top_k=300)
    for seed in range(40):
        asked = SamplingParams(temperature=1, top_p=0.7, seed=seed)
        alone = drawn(logits[:1], [asked], [5])
        assert drawn(logits, [asked, beside], [5, 9])[:1] == alone


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("vocabulary", [4, 1000])
def test_min_p_compares_with_the_best_token_after_temperature(
    vocabulary: int, temperature: float
) -> None:
    # The first three tokens are 1, 0.5 and 0.2 times as likely as the best.
    chances = torch.tensor([1, 0.5, 0.2] + [0.001] * (vocabulary - 3))
    settings = SamplingParams(temperature=temperature, top_p=1.0, min_p=0.3)
    allowed = {0.5: {0}, 1.0: {0, 1}, 2.0: {0, 1, 2}}[temperature]
    logits = chances.log().expand(2000, -1)
    assert {*drawn(logits, [settings] * 2000, [*range(2000)])} == allowed


def test_the_candidates_suffice_if_min_p_leaves_fewer() -> None:
    asked = Sampler(SamplingParams(temperature=1, top_p=1.0, min_p=0.5))
    # It raises the number of candidates of both.
    neighbour = Sampler(SamplingParams(temperature=1, top_k=300))
    logits = torch.full((2, VOCABULARY), -5.0)
    for likely, are_enough in ((10, True), (100, False)):
        logits[:, :likely] = 0
        for samplers in ({0: asked}, {0: asked, 1: neighbour}):
            found = Candidates.of(CPULogits(logits), samplers)
            assert bool(found.are_enough[0]) == are_enough


def test_what_a_reply_has_is_counted_without_its_prompt() -> None:
    params = SamplingParams(presence_penalty=0.5, frequency_penalty=-0.25)
    counted = Sampler(params, prompt_tokens=3).count_penalties
    tokens, penalties = counted(np.array([7, 7, 9, 9, 4, 9, 9]))
    assert tokens.tolist() == [4, 9]
    assert penalties.tolist() == [-0.25, 0.25]
    assert counted(np.array([7, 7, 9]))[0].tolist() == []


@pytest.mark.parametrize("kind", [CPULogits, DeviceLogits])
def test_the_repetition_penalty_is_that_of_transformers(
    kind: type[CPULogits | DeviceLogits],
) -> None:
    logits = logits_for(3, 5.0)[None]
    prompt = torch.tensor([[1, 1, 5, 1999]])
    expected = RepetitionPenaltyLogitsProcessor(1.7)(prompt, logits.clone())
    padded = torch.tensor([[1, 1, 5, 1999, 8, 9]])
    penalised = kind(logits)
    penalised.penalise([1.7], TokenHistory(padded, torch.tensor([4])))
    assert penalised.row(0).tolist() == expected[0].tolist()


@pytest.mark.parametrize("top_p", [0.97, 1.0])
@pytest.mark.parametrize("vocabulary", [4, 300])
def test_draws_follow_the_distribution(top_p: float, vocabulary: int) -> None:
    """Of 4 tokens all are candidates; of 300 some beyond the candidates are allowed."""
    logits = torch.linspace(2, -1, vocabulary)
    draws = 20_000 if IS_SOAK else 3_000
    settings = [SamplingParams(temperature=0.7, top_p=top_p, seed=5)] * draws
    tokens = drawn(logits.expand(draws, -1), settings, [*range(draws)])
    heated = TemperatureLogitsWarper(0.7)(None, logits[None])
    warped = TopPLogitsWarper(top_p)(None, heated) if top_p < 1 else heated
    expected = draws * warped.softmax(-1)[0].double()
    found = torch.tensor(tokens).bincount(minlength=vocabulary).double()
    is_allowed = expected > 0
    assert found[~is_allowed].sum() == 0
    # Pearson's chi-squared statistic, whose mean is the degrees of freedom.
    freedom = int(is_allowed.sum()) - 1
    statistic = ((found - expected)[is_allowed] ** 2 / expected[is_allowed]).sum()
    assert statistic < freedom + 4 * math.sqrt(2 * freedom)


def test_randomness_depends_on_seed_position_and_token() -> None:
    seeds, positions = [1, 1, 2, -(2**63), 2**63 - 1], np.array([7, 8, 7, 7, 7])
    keys = random_keys(seeds, positions)[:, None]
    chances = torch.from_numpy(uniform(keys, np.arange(5000)[None]))
    assert ((chances > 0) & (chances < 1)).all()
    assert (chances.mean(-1) - 0.5).abs().max() < 0.02
    assert len(chances.flatten().unique()) == chances.numel()
    between = torch.corrcoef(chances).fill_diagonal_(0)
    assert between.abs().max() < 0.06


@pytest.mark.parametrize("temperature", [0, 1e-30, 1e-5])
def test_a_temperature_near_zero_is_greedy(temperature: float) -> None:
    logits = logits_for(2, 3.0)[None]
    sampler = Sampler(SamplingParams(temperature=temperature, top_p=1.0))
    assert sample(CPULogits(logits), [sampler], NO_HISTORY) == [int(logits.argmax())]


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("token", [5, VOCABULARY - 1])
@pytest.mark.parametrize("settings", [{}, {"temperature": 0}, {"top_p": 1.0}])
def test_logits_that_are_not_finite_are_refused(
    value: float, token: int, settings: dict[str, float]
) -> None:
    logits = torch.stack([logits_for(1, 1.0), logits_for(2, 1.0)])
    logits[1, token] = value
    with pytest.raises(NonFiniteLogits):
        sample(
            CPULogits(logits), [Sampler(SamplingParams(**settings))] * 2, no_history(2)
        )


@given(
    st.lists(
        st.sampled_from([-math.inf, -2.0, 0.0, 0.5, 1.0, 3.0]), min_size=1, max_size=400
    ).filter(lambda values: max(values) > -math.inf),
    st.integers(1, 80),
)
def test_the_largest_logits_are_found_and_the_lower_token_first(
    values: list[float], size: int
) -> None:
    """Most of these numbers are equal to others, which no random logits are."""
    size = min(size, len(values))
    largest, tokens, _ = CPULogits(torch.tensor([values])).top([0], size, [0])
    expected = sorted(range(len(values)), key=lambda n: (-values[n], n))[:size]
    assert tokens[0].tolist() == expected
    assert largest[0].tolist() == [values[n] for n in expected]


@given(st.lists(SETTINGS, min_size=1, max_size=4), st.integers(0, 99))
def test_a_device_gives_the_same_tokens(
    settings: list[SamplingParams], seed: int
) -> None:
    """The way for devices, which runs on a CPU too."""
    logits = torch.stack([logits_for(seed + n, 3.0) for n in range(len(settings))])
    samplers = [Sampler(one, prompt_tokens=n % 3) for n, one in enumerate(settings)]
    ids = torch.arange(5 * len(settings)).view(-1, 5) % 7
    history = TokenHistory(ids, torch.full((len(settings),), 5))
    found = [
        sample(kind(logits.clone()), samplers, history)
        for kind in (CPULogits, DeviceLogits)
    ]
    assert found[0] == found[1]
    rows = [*range(len(settings))]
    best, tokens = DeviceLogits(logits).best(rows)
    assert tokens.tolist() == logits.argmax(-1).tolist()
    assert best.tolist() == logits.amax(-1).tolist()
