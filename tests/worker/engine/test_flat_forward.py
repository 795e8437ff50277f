"""The flat forward pass equals the model's definition, in each precision."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from tests.worker.engine.plain_forward import plain_logits
from tests.worker.engine.test_decoder import gpt2, llama, qwen2
from worker.engine.decoder import Block, Decoder, Projection, decoder_of
from worker.engine.flat_forward import FlatForward, is_available
from worker.engine.kv_cache import KVCache, RowShape
from worker.engine.packing import PackedBatch
from worker.engine.sequence import Chunk, Sequence

PRECISIONS = ["fp32", "fp16"]
ROW_TOKENS = 32
MODELS = {"gpt2": gpt2, "llama": llama, "qwen2": qwen2}


@pytest.fixture(scope="module", params=sorted(MODELS))
def decoder(request: pytest.FixtureRequest) -> Decoder:
    found = decoder_of(MODELS[request.param]())
    assert found is not None
    return found


def stored(decoder: Decoder, precision: str) -> Decoder:
    """The same model with its linear weights rounded as they are stored."""

    def rounded(one: Projection) -> Projection:
        return Projection(one.weight.half().float(), one.bias)

    def rounded_block(block: Block) -> Block:
        names = ("qkv", "attention_output", "up", "down")
        return replace(block, **{n: rounded(getattr(block, n)) for n in names})

    if precision == "fp32":
        return decoder
    blocks = tuple(rounded_block(block) for block in decoder.blocks)
    return replace(decoder, blocks=blocks, output=rounded(decoder.output))


def cache_for(decoder: Decoder, rows: int) -> KVCache:
    shape = RowShape(
        layers=len(decoder.blocks),
        heads=decoder.key_heads,
        tokens=ROW_TOKENS,
        head_size=decoder.head_size,
        dtype=torch.float32,
    )
    return KVCache(shape, rows, torch.device("cpu"))


def step(
    forward: FlatForward, cache: KVCache, *chunks: tuple[list[int], int, int, int]
) -> Tensor:
    """Read chunks, each given as ids, row, start and stop."""
    packed = [
        Chunk(Sequence(ids), row, start, stop) for ids, row, start, stop in chunks
    ]
    return forward(PackedBatch.of(packed, torch.device("cpu")), cache)


def test_torch_has_both_precisions_here() -> None:
    if not is_available("fp16"):
        pytest.skip("torch has no fp16 layers for this processor")
    assert is_available("fp32")
    assert not is_available("int8")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_prompts_and_replies_mixed_equal_the_plain_forward(
    decoder: Decoder, precision: str
) -> None:
    forward = FlatForward(decoder, precision)
    rng = random.Random(3)
    rows = [[rng.randrange(90) for _ in range(size)] for size in (1, 7, 18, 19, 30)]
    expected = [plain_logits(stored(decoder, precision), ids) for ids in rows]
    cache, read = cache_for(decoder, len(rows)), [0] * len(rows)
    while any(done < len(ids) for done, ids in zip(read, rows, strict=True)):
        chunks, after = [], []
        for row, ids in enumerate(rows):
            stop = min(len(ids), read[row] + rng.choice([1, 1, 1, 5]))
            if stop > read[row] and rng.random() < 0.8:
                # Cut there, so that the chunk completes its sequence.
                chunks.append((ids[:stop], row, read[row], stop))
                after.append(expected[row][stop - 1])
                read[row] = stop
        if chunks:
            found = step(forward, cache, *chunks)
            assert torch.allclose(found, torch.stack(after), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_new_token_has_the_same_logits_alone_and_beside_others(
    decoder: Decoder, precision: str
) -> None:
    forward = FlatForward(decoder, precision)
    rng = random.Random(5)
    prompts = [[rng.randrange(90) for _ in range(size)] for size in (4, 17, 23, 9)]
    alone, beside = [], cache_for(decoder, len(prompts))
    for row, ids in enumerate(prompts):
        cache = cache_for(decoder, 1)
        step(forward, cache, (ids, 0, 0, len(ids) - 1))
        alone.append(step(forward, cache, (ids, 0, len(ids) - 1, len(ids)))[0])
        step(forward, beside, (ids, row, 0, len(ids) - 1))
    together = [(ids, n, len(ids) - 1, len(ids)) for n, ids in enumerate(prompts)]
    assert torch.equal(step(forward, beside, *together), torch.stack(alone))


def test_a_chunk_that_completes_nothing_gives_no_logits(decoder: Decoder) -> None:
    forward = FlatForward(decoder, "fp32")
    found = step(forward, cache_for(decoder, 1), ([1, 2, 3, 4], 0, 0, 2))
    assert found.shape == (0, 90)
