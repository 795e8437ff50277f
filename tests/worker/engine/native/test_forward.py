"""The forward pass in C beside a plain computation of the same logits."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.environment import IS_SOAK
from tests.worker.engine.native.reference import (
    Cache,
    expected_logits,
    random_decoder,
    rounded,
    step_of,
)
from worker.engine.decoder import Decoder
from worker.engine.native import instruction_sets
from worker.engine.native.compile import NativeUnavailable
from worker.engine.native.forward import NativeForward
from worker.engine.native.packed_weights import pack_decoder

#: Largest difference to exact arithmetic with the same weights, as a share of the norm
#: of the logits. In int8 the activations are rounded to 16 bits. A norm of few numbers
#: that are nearly equal magnifies what was rounded.
TOLERANCES = {"fp32": 1e-4, "fp16": 1e-4, "int8": 1e-2}
#: The same where keys and values are in half precision: a number next to the middle
#: between two may become either.
HALF_CACHE_TOLERANCE = 2e-3
INSTRUCTIONS = instruction_sets.available()
CONTEXT = 48

models = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**20),
        "is_gated": st.booleans(),
        "key_heads": st.integers(1, 3),
        "group": st.integers(1, 3),
        "head_size": st.sampled_from([8, 16, 24, 64, 80]),
        "width": st.sampled_from([7, 24, 63, 64, 65, 136]),
        "hidden": st.sampled_from([1, 15, 16, 64, 131]),
        "vocabulary": st.sampled_from([2, 15, 16, 17, 37, 130]),
        "context": st.just(CONTEXT),
        "layers": st.integers(1, 2),
    }
)
#: Lengths of the chunks in which each of up to four sequences is read.
chunkings = st.lists(
    st.lists(st.integers(1, 19), min_size=1, max_size=4).filter(
        lambda lengths: sum(lengths) <= CONTEXT
    ),
    min_size=1,
    max_size=4,
)


def ids_of(decoder: Decoder, row: int, length: int) -> list[int]:
    return [(5 * row + 3 * n * n) % len(decoder.embedding) for n in range(length)]


def read_together(
    forward: NativeForward, decoder: Decoder, chunkings, cache_dtype: torch.dtype
) -> list[Tensor]:
    """Read all sequences, each in its chunks, in the same steps; return all logits."""
    cache = Cache(decoder, len(chunkings), CONTEXT, cache_dtype)
    parts: list[list[Tensor]] = [[] for _ in chunkings]
    starts = [0] * len(chunkings)
    for n in range(max(map(len, chunkings))):
        chunks = []
        for row, lengths in enumerate(chunkings):
            if n < len(lengths):
                ids = ids_of(decoder, row, sum(lengths))
                start, stop = starts[row], starts[row] + lengths[n]
                chunks.append((row, start, ids[start:stop]))
                starts[row] = stop
        count = sum(len(ids) for _, _, ids in chunks)
        logits = forward(step_of(chunks, list(range(count))), cache)
        for (row, _, _), part in zip(
            chunks, logits.split([len(c[2]) for c in chunks]), strict=True
        ):
            parts[row].append(part)
    return [torch.cat(part) for part in parts]


@settings(
    max_examples=400 if IS_SOAK else 12,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    shape=models,
    chunkings=chunkings,
    threads=st.integers(1, 3),
    cache_dtype=st.sampled_from([torch.float16, torch.float32]),
)
@pytest.mark.parametrize("instructions", INSTRUCTIONS)
@pytest.mark.parametrize("precision", TOLERANCES)
def test_any_model_in_any_chunks_beside_any_others(
    builds: Path,
    monkeypatch: pytest.MonkeyPatch,
    precision: str,
    instructions: str,
    shape,
    chunkings,
    threads: int,
    cache_dtype: torch.dtype,
) -> None:
    monkeypatch.setenv(instruction_sets.VARIABLE, instructions)
    decoder = random_decoder(**shape)
    # Packed here: keeping each of many models on disk would take most of the time.
    packed = pack_decoder(decoder, precision)
    forward, alone = (
        NativeForward(decoder, precision, count, folder=builds, packed=packed)
        for count in (threads, 1)
    )
    together = read_together(forward, decoder, chunkings, cache_dtype)
    exact, tolerance = rounded(decoder, precision), TOLERANCES[precision]
    if cache_dtype == torch.float16:
        tolerance = max(tolerance, HALF_CACHE_TOLERANCE)
    for row, (lengths, found) in enumerate(zip(chunkings, together, strict=True)):
        ids = ids_of(decoder, row, sum(lengths))
        expected = expected_logits(exact, ids, cache_dtype)
        gap = (found - expected).norm() / expected.norm()
        assert gap <= tolerance
        # Alone, in one chunk, on one thread: the same bits.
        cache = Cache(decoder, row + 1, CONTEXT, cache_dtype)
        step = step_of([(row, 0, ids)], list(range(len(ids))))
        assert torch.equal(alone(step, cache), found)


@pytest.mark.parametrize("instructions", INSTRUCTIONS)
def test_rows_and_layers_of_a_real_shape(
    builds: Path, monkeypatch: pytest.MonkeyPatch, instructions: str
) -> None:
    """Several tasks a phase, and more tokens than a thread takes at once."""
    monkeypatch.setenv(instruction_sets.VARIABLE, instructions)
    decoder = random_decoder(
        width=256, hidden=1024, key_heads=2, group=2, head_size=64, context=256
    )
    ids = ids_of(decoder, 0, 200)
    for precision, tolerance in TOLERANCES.items():
        forward = NativeForward(decoder, precision, 3, folder=builds)
        cache = Cache(decoder, 1, 256, forward.cache_dtype)
        found = forward(step_of([(0, 0, ids)], [199, 3, 120]), cache)
        exact = rounded(decoder, precision)
        expected = expected_logits(exact, ids, forward.cache_dtype)[[199, 3, 120]]
        gap = (found - expected).norm() / expected.norm()
        assert gap <= max(tolerance, HALF_CACHE_TOLERANCE)


def test_a_step_may_want_no_logits(builds: Path) -> None:
    decoder = random_decoder()
    forward = NativeForward(decoder, "fp32", 2, folder=builds)
    cache = Cache(decoder, 1, 32)
    assert forward(step_of([(0, 0, [1, 2, 3])], []), cache).shape == (0, 37)
    found = forward(step_of([(0, 3, [4])], [0]), cache)
    expected = expected_logits(decoder, [1, 2, 3, 4])[3:]
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("row", "position", "token", "last"),
    [
        *((1, 0, 0, 0), (-1, 0, 0, 0), (0, 32, 0, 0), (0, -1, 0, 0)),
        *((0, 0, 37, 0), (0, 0, -1, 0), (0, 0, 0, 1), (0, 0, 0, -1)),
    ],
)
def test_what_is_out_of_range_is_refused(
    builds: Path, row: int, position: int, token: int, last: int
) -> None:
    decoder = random_decoder()
    forward = NativeForward(decoder, "fp32", 1, folder=builds)
    with pytest.raises(IndexError):
        forward(step_of([(row, position, [token])], [last]), Cache(decoder, 1, 32))


def test_the_cache_of_another_model_is_refused(builds: Path) -> None:
    forward = NativeForward(random_decoder(), "fp32", 1, folder=builds)
    others = random_decoder(head_size=16), random_decoder(layers=1)
    for other in others:
        with pytest.raises(ValueError, match="another model"):
            forward(step_of([(0, 0, [1])], [0]), Cache(other, 1, 32))


@pytest.mark.parametrize("precision", TOLERANCES)
@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_numbers_that_are_none_reach_the_logits_of_their_row_only(
    builds: Path, precision: str, poison: float
) -> None:
    decoder = random_decoder()
    forward = NativeForward(decoder, precision, 2, folder=builds)
    cache = Cache(decoder, 2, 32, forward.cache_dtype)
    forward(step_of([(0, 0, [1, 2]), (1, 0, [1, 2])], []), cache)
    cache.layers[0][1, 0, 0, 1] = poison  # a value of row 0
    found = forward(step_of([(0, 2, [3]), (1, 2, [3])], [0, 1]), cache)
    assert not found[0].isfinite().any()
    assert found[1].isfinite().all()


@pytest.mark.parametrize("instructions", INSTRUCTIONS)
def test_keys_and_values_in_half_precision_are_the_nearest(
    builds: Path, monkeypatch: pytest.MonkeyPatch, instructions: str
) -> None:
    monkeypatch.setenv(instruction_sets.VARIABLE, instructions)
    decoder = random_decoder(layers=1, is_gated=False)
    bias = decoder.blocks[0].qkv.bias
    assert bias is not None
    decoder.blocks[0].qkv.weight.zero_()
    numbers = torch.cat(
        [
            torch.tensor([0.0, -0.0, 1e-8, -3e-8, 2.0**-24, 1e-5, 6.1e-5, 2049.0]),
            torch.tensor([65504.0, 65519.0, 7e4, -1e30, 1.00048828125, float("nan")]),
            torch.tensor([float("inf"), -float("inf")]),
            torch.randn(200, generator=torch.Generator().manual_seed(1)),
        ]
    )
    values = decoder.key_heads * decoder.head_size
    for part in numbers.split(values):
        bias[-values:][: len(part)] = part
        packed = pack_decoder(decoder, "fp32")
        forward = NativeForward(decoder, "fp32", 1, folder=builds, packed=packed)
        cache = Cache(decoder, 1, 1, torch.float16)
        forward(step_of([(0, 0, [1])], []), cache)
        found = cache.layers[0][1].flatten()[: len(part)]
        expected = torch.where(part.isinf(), part, part.clamp(-65504, 65504)).half()
        assert torch.equal(found.nan_to_num(9), expected.nan_to_num(9))


def test_heads_that_fill_no_vectors_are_left_to_another_way(builds: Path) -> None:
    with pytest.raises(NativeUnavailable, match="heads of 12"):
        NativeForward(random_decoder(head_size=12), "fp32", 1, folder=builds)


def test_weights_that_a_precision_cannot_store_are_refused(builds: Path) -> None:
    decoder = random_decoder()
    decoder.output.weight[0, 0] = 70_000
    with pytest.raises(NativeUnavailable, match="half precision"):
        NativeForward(decoder, "fp16", 1, folder=builds)
    decoder.output.weight[0, 0] = float("nan")
    with pytest.raises(NativeUnavailable, match="finite"):
        NativeForward(decoder, "int8", 1, folder=builds)
