"""Fixed seeds give the tokens that every release has given for them.

A reply can be generated again, or continued by another worker, so a change of the
tokens would be noticed: seeds are a promise.
"""

from __future__ import annotations

import numpy as np
import torch

from chatsite.wire import SamplingParams
from worker.engine.cpu_logits import CPULogits
from worker.engine.gumbel_noise import uniform
from worker.engine.logits import TokenHistory
from worker.engine.sampling import Sampler, sample

#: That of GPT-2, which no block size divides.
VOCABULARY = 50_257
SETTINGS = [
    SamplingParams(temperature=0),
    SamplingParams(temperature=0, repetition_penalty=1.3),
    SamplingParams(temperature=0.7, top_p=0.9),
    SamplingParams(temperature=0.9, top_k=50, top_p=0.95),
    SamplingParams(temperature=1.2, top_k=50, top_p=1.0, repetition_penalty=1.1),
    SamplingParams(temperature=1.0, top_p=0.999),
    SamplingParams(temperature=1.0, top_p=1.0),
    SamplingParams(temperature=0.8, top_k=300, top_p=0.95),
    SamplingParams(temperature=1.5, top_k=1500, top_p=0.99, repetition_penalty=0.9),
    SamplingParams(temperature=2.0, top_k=1),
]
#: For each position, the tokens of all settings.
EXPECTED = [
    [13600, 36495, 31140, 31977, 24148, 39202, 28436, 49426, 38885, 49330],
    [20064, 49010, 16180, 33572, 15006, 48009, 15369, 9550, 48998, 36962],
    [10236, 28194, 16290, 46894, 46321, 31293, 48193, 44872, 22643, 15231],
    [33627, 40128, 36118, 20838, 22162, 34083, 32300, 38814, 33678, 30445],
    [31890, 699, 46209, 24805, 37508, 2491, 18303, 40203, 38051, 25095],
    [3452, 3897, 42358, 5868, 41260, 22946, 12149, 15166, 2394, 5567],
    [6091, 39403, 1179, 49126, 1724, 42328, 4064, 2991, 42158, 18429],
    [42199, 18607, 26503, 17381, 43740, 41058, 33240, 50057, 13461, 18347],
]


def logits_at(position: int) -> torch.Tensor:
    """Logits from whole numbers alone, [settings, vocabulary]: half flat, half steep."""
    rows = np.arange(len(SETTINGS), dtype=np.uint64)[:, None]
    keys = rows + np.uint64(100 * position)
    shares = uniform(keys, np.arange(VOCABULARY)[None])
    spread = np.where(rows % 2 == 0, 1.5, 0.6)
    return torch.from_numpy(spread * (np.log(shares) - np.log1p(-shares))).float()


def tokens_at(position: int) -> list[int]:
    """Sample one token for each of the settings, beside one another."""
    samplers = [
        Sampler(SamplingParams.from_dict({**one.to_dict(), "seed": 1000 * n + 7}))
        for n, one in enumerate(SETTINGS)
    ]
    logits = logits_at(position)
    # The likeliest tokens so far, so that a penalty changes what is chosen.
    ids = logits.topk(position + 5).indices.flip(-1)
    lengths = torch.arange(len(SETTINGS)) % 5 + position
    return sample(CPULogits(logits), samplers, TokenHistory(ids, lengths))


def test_fixed_seeds_give_the_same_tokens_for_ever() -> None:
    assert [tokens_at(position) for position in range(1, 9)] == EXPECTED
