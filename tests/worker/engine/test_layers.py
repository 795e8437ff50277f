"""The faster layers, packing and attention equal plain computations."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel
from transformers.pytorch_utils import Conv1D

from worker.engine.attention_plan import AttentionPlan, longest_batched
from worker.engine.interface import ModelUnavailable
from worker.engine.layers import (
    PackedLinear,
    can_pack,
    pack_fp16,
    pack_fp32,
    replace_layers,
)
from worker.engine.memory import MEBI, CacheSize, available_bytes
from worker.engine.module_forward import packed_attention
from worker.engine.packing import PackedBatch
from worker.engine.sequence import Chunk, Sequence


def test_this_build_of_torch_has_the_operators() -> None:
    assert can_pack(pack_fp32)


@pytest.mark.parametrize("rows", [0, 1, 2, 7, 32, 200])
@pytest.mark.parametrize("out_features", [12, 17])
@pytest.mark.parametrize("has_bias", [True, False])
def test_packed_layers_equal_plain_ones(
    rows: int, out_features: int, has_bias: bool
) -> None:
    torch.manual_seed(1)
    plain = nn.Linear(8, out_features, bias=has_bias)
    with torch.inference_mode():
        given = torch.randn(1, rows, 8)
        found = PackedLinear(plain.weight, plain.bias)(given)
        assert torch.allclose(found, plain(given), atol=1e-5)
    assert found.is_contiguous()


def test_a_weight_too_large_for_half_precision_is_refused_and_stays() -> None:
    weight = torch.eye(8, 16)
    weight[3, 5] = 1e6
    with pytest.raises(ValueError, match="half precision"):
        pack_fp16(weight, None)
    assert weight[3, 5] == 1e6


def test_every_layer_is_replaced() -> None:
    config = GPT2Config(vocab_size=90, n_embd=16, n_layer=1, n_head=2, n_positions=32)
    model = GPT2LMHeadModel(config).eval()
    ids = torch.tensor([[3, 1, 4, 1, 5]])
    with torch.inference_mode():
        expected = model(ids).logits
        replace_layers(model)
        found = model(ids).logits
    assert torch.allclose(found, expected, atol=1e-5)
    assert not any(isinstance(part, Conv1D | nn.Linear) for part in model.modules())


@pytest.mark.parametrize(
    ("lengths", "longest"),
    [
        ([], 0),
        ([7], 7),
        ([100, 110, 120], 120),
        ([100, 110, 900], 110),
        ([10] * 30 + [60], 10),
        ([800, 900, 900], 900),
    ],
)
def test_a_reply_much_longer_than_the_others_is_read_by_itself(
    lengths: list[int], longest: int
) -> None:
    assert longest_batched(lengths) == longest


@pytest.mark.parametrize(("heads", "key_heads"), [(4, 4), (4, 2), (6, 1)])
def test_every_token_sees_its_own_row_up_to_itself(heads: int, key_heads: int) -> None:
    torch.manual_seed(2)
    size, rows, longest = 8, 6, 400
    key, value = torch.randn(2, rows, key_heads, longest, size)
    # Rows 0, 1 and 4 decode; 2 and 3 read a chunk of a prompt; 5 is a long reply.
    positions = [
        (0, 9, 10),
        (1, 11, 12),
        (2, 5, 9),
        (3, 0, 3),
        (4, 10, 11),
        (5, 350, 351),
    ]
    chunks = [
        Chunk(Sequence([0] * stop), row, start, stop) for row, start, stop in positions
    ]
    batch = PackedBatch.of(chunks, torch.device("cpu"))
    plan = AttentionPlan.of(batch, torch.float32, longest)
    assert len(plan.segments) == 3
    query = torch.randn(1, heads, len(batch.ids), size)
    found, _ = packed_attention(
        nn.Identity(), query, key, value, None, plan=plan, scaling=0.3
    )
    for n, (row, position) in enumerate(
        zip(batch.rows.tolist(), batch.positions.tolist(), strict=True)
    ):
        for head in range(heads):
            seen = key[row, head * key_heads // heads, : position + 1]
            weights = (0.3 * seen @ query[0, head, n]).softmax(0)
            expected = weights @ value[row, head * key_heads // heads, : position + 1]
            assert torch.allclose(found[0, n, head], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("memory_mb", "max_running", "rows"),
    [(100, 8, 10), (1000, 8, 16), (50, 5, 5), (10, 1, 1)],
)
def test_memory_limits_the_rows(memory_mb: int, max_running: int, rows: int) -> None:
    size = CacheSize.plan(10 * MEBI, 8, torch.device("cpu"), memory_mb=memory_mb)
    assert (size.max_running, size.rows) == (max_running, rows)


def test_workers_of_one_machine_divide_its_memory() -> None:
    device = torch.device("cpu")
    row = available_bytes(device) // 40
    rows = [
        CacheSize.plan(row, 99, device, workers=workers).rows for workers in (1, 2, 5)
    ]
    assert rows == [10, 5, 2]


def test_too_little_memory_for_one_reply_names_the_setting() -> None:
    with pytest.raises(ModelUnavailable, match="WORKER_MEMORY_MB"):
        CacheSize.plan(10 * MEBI, 8, torch.device("cpu"), memory_mb=9)
