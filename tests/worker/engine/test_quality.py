"""What loses quality is found, and measured once for a model on a machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.worker.tiny_models import CONTEXT_TOKENS
from worker.engine.decoder import Decoder, Projection, decoder_of
from worker.engine.flat_forward import FlatForward
from worker.engine.forward import PassKind
from worker.engine.module_forward import ATTENTION
from worker.engine.quality import LIMITS, TEXT_TOKENS, Quality, measure_quality
from worker.engine.quality_gate import QualityGate


@pytest.fixture(scope="module")
def module(llama_folder: Path) -> Any:
    loaded = AutoModelForCausalLM.from_pretrained(llama_folder)
    loaded.set_attn_implementation(ATTENTION)
    return loaded.eval()


@pytest.fixture(scope="module")
def tokenizer(llama_folder: Path) -> Any:
    return AutoTokenizer.from_pretrained(llama_folder)


def described(module: Any) -> Decoder:
    decoder = decoder_of(module)
    assert decoder is not None
    return decoder


@pytest.fixture
def half(module: Any) -> FlatForward:
    """A forward pass of the best quality that says it is in fp16, so it is gated."""
    forward = FlatForward(described(module), "fp32")
    forward.precision = "fp16"
    return forward


@pytest.fixture
def gate(
    module: Any, tokenizer: Any, llama_folder: Path, tmp_path: Path
) -> QualityGate:
    return QualityGate(module, tokenizer, llama_folder, CONTEXT_TOKENS, tmp_path)


def coarse(decoder: Decoder, levels: int) -> Decoder:
    """The model with its output weights rounded to so many levels a side."""
    weight = decoder.output.weight
    scale = weight.abs().amax(1, keepdim=True) / levels
    return replace(decoder, output=Projection((weight / scale).round() * scale, None))


def test_the_same_weights_keep_everything(module: Any, tokenizer: Any) -> None:
    forward = FlatForward(described(module), "fp32")
    found = measure_quality(module, tokenizer, forward, CONTEXT_TOKENS)
    assert found.tokens == 2 * TEXT_TOKENS
    assert found.agreement > 0.999
    assert abs(found.perplexity_change) < 1e-4
    assert found.divergence < 1e-6
    assert LIMITS["fp16"].allow(found)


def test_coarse_weights_are_refused_and_the_log_says_why(
    module: Any, tokenizer: Any, llama_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    forward = FlatForward(coarse(described(module), levels=7), "fp32")
    forward.precision = "int8"
    gate = QualityGate(module, tokenizer, llama_folder, CONTEXT_TOKENS, None)
    assert not gate(forward)
    assert "quality of int8 by the flat pass: perplexity" in caplog.text
    assert "allowed: perplexity ±1.00%, divergence up to 0.0060" in caplog.text


@pytest.mark.parametrize(
    ("change", "is_kept"),
    [
        ({}, True),
        ({"perplexity_change": 0.02}, False),
        # Better perplexity is a change too.
        ({"perplexity_change": -0.02}, False),
        ({"divergence": 0.007}, False),
        ({"agreement": 0.94}, False),
        ({"divergence": float("nan")}, False),
        ({"perplexity_change": float("nan")}, False),
    ],
)
def test_every_figure_has_a_limit(change: dict[str, float], is_kept: bool) -> None:
    quality = Quality(2048, perplexity_change=0.0, divergence=0.003, agreement=0.97)
    assert LIMITS["int8"].allow(replace(quality, **change)) == is_kept


class Unmeasured:
    """A forward pass in fp16 that fails when it is called."""

    precision, name, version = "fp16", "flat", "1"
    cache_dtype = torch.float32

    def __call__(self, batch: Any, cache: Any) -> Tensor:
        raise AssertionError("measured again")


def test_a_refusal_is_known_at_the_next_start(
    module: Any, gate: QualityGate, half: FlatForward
) -> None:
    kinds = [PassKind(one, "flat", FlatForward.version) for one in ("int8", "fp16")]
    assert not any(map(gate.has_refused, kinds))
    coarsened = FlatForward(coarse(described(module), levels=7), "fp32")
    coarsened.precision = "int8"
    assert not gate(coarsened)
    assert gate(half)
    assert [*map(gate.has_refused, kinds)] == [True, False]


def test_a_verdict_is_kept_and_a_broken_one_is_measured_again(
    gate: QualityGate, half: FlatForward, tmp_path: Path
) -> None:
    assert gate(half)
    assert gate(Unmeasured())
    (verdict,) = (tmp_path / "quality").glob("*.json")
    kept = verdict.read_text()
    other_figure = kept.replace("0", "1", 1)
    for broken in ("", "{}", '{"figures": 1}', kept[:-9], other_figure, "[" * 200_000):
        verdict.write_text(broken)
        with pytest.raises(AssertionError, match="measured again"):
            gate(Unmeasured())
    assert gate(half)
    assert gate(Unmeasured())


def test_other_weights_are_measured_again(
    module: Any,
    tokenizer: Any,
    gpt2_folder: Path,
    tmp_path: Path,
    gate: QualityGate,
    half: FlatForward,
) -> None:
    assert gate(half)
    other = QualityGate(module, tokenizer, gpt2_folder, CONTEXT_TOKENS, tmp_path)
    with pytest.raises(AssertionError, match="measured again"):
        other(Unmeasured())


def test_a_folder_that_cannot_be_written_to_stops_nothing(
    gate: QualityGate, half: FlatForward, tmp_path: Path
) -> None:
    (tmp_path / "quality").write_text("a file in the way")
    assert gate(half)


def test_another_version_of_the_code_is_measured_again(
    gate: QualityGate, half: FlatForward
) -> None:
    assert gate(half)
    newer = Unmeasured()
    newer.version = "2"
    with pytest.raises(AssertionError, match="measured again"):
        gate(newer)
