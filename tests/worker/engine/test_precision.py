"""The fastest forward pass serves that may; any other model is served as before."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import MistralForCausalLM

from tests.worker.engine.test_decoder import gpt2, llama
from worker.engine.flat_forward import is_available
from worker.engine.forward import ForwardPass, PassKind
from worker.engine.interface import ModelUnavailable
from worker.engine.module_forward import ATTENTION
from worker.engine.precision import Choice, choose_forward

CPU = torch.device("cpu")
PROBE = [1, 2, 3, 4, 5, 6]
needs_fp16 = pytest.mark.skipif(
    not is_available("fp16"), reason="torch has no fp16 layers for this processor"
)


@dataclass
class Gate:
    """Decides by precision, and notes what it was asked about."""

    #: Those of which it is not known yet that they lose quality.
    losing: tuple[str, ...] = ()
    #: Those that were measured at an earlier start.
    refused: tuple[str, ...] = ()
    measured: list[str] = field(default_factory=list)

    def has_refused(self, kind: PassKind) -> bool:
        return kind.precision in self.refused

    def __call__(self, forward: ForwardPass) -> bool:
        self.measured.append(forward.precision)
        return forward.precision not in self.losing


def chosen(
    module: Any, precision: str, gate: Gate | None = None, builds: Path | None = None
) -> tuple[str, str]:
    """The precision and the name of the forward pass that would serve."""
    module.set_attn_implementation(ATTENTION)
    choice = Choice(precision, gate or Gate(), PROBE, builds)
    forward = choose_forward(module, CPU, choice)
    return forward.precision, forward.name


@pytest.mark.parametrize("make", [gpt2, llama])
@pytest.mark.parametrize("precision", ["fp32", pytest.param("fp16", marks=needs_fp16)])
def test_described_models_are_served_in_the_precision_asked_for(
    make: Any, precision: str
) -> None:
    assert chosen(make(), precision) == (precision, "flat")


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_with_a_compiler_the_pass_in_c_serves(precision: str, builds: Path) -> None:
    found = chosen(gpt2(), precision, builds=builds)
    assert found == (precision, "native")


def test_auto_takes_the_fastest(builds: Path) -> None:
    found = chosen(llama(head_dim=8), "auto", builds=builds)
    assert found == ("int8", "native")


@needs_fp16
def test_auto_without_the_pass_in_c_takes_fp16() -> None:
    assert chosen(llama(), "auto") == ("fp16", "flat")


def test_auto_takes_nothing_that_loses_quality(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gate = Gate(losing=("int8", "fp16", "fp32"))
    assert chosen(gpt2(), "auto", gate) == ("fp32", "flat")
    # fp32 is exact: its quality is not asked for.
    assert "fp32" not in gate.measured
    assert caplog.text.count("loses quality") == len(gate.measured)


def test_what_lost_quality_at_an_earlier_start_is_not_packed_again(
    builds: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    without_weights = shutil.ignore_patterns("*.safetensors")
    folder = shutil.copytree(builds, tmp_path / "builds", ignore=without_weights)
    gate = Gate(refused=("int8",))
    assert chosen(gpt2(), "auto", gate, folder) == ("fp16", "native")
    assert gate.measured == ["fp16"]
    (packed,) = folder.glob("*.safetensors")
    assert packed.stem.endswith("fp16")
    assert "int8 by the native pass: it loses quality" in caplog.text


def test_a_model_with_a_weight_that_is_no_number_is_refused() -> None:
    module = llama()
    module.model.layers[0].mlp.down_proj.weight.data[0, 0] = float("nan")
    with pytest.raises(ModelUnavailable, match="weights are damaged"):
        chosen(module, "auto")


@needs_fp16
def test_weights_too_large_for_half_precision_stay_as_they_are() -> None:
    module = llama()
    module.model.layers[0].mlp.up_proj.weight.data *= 1e-6
    module.model.layers[0].mlp.down_proj.weight.data *= 1e8
    before = module.model.layers[0].mlp.down_proj.weight.abs().max()
    assert before > 65_504
    assert chosen(module, "auto") == ("fp32", "flat")
    assert module.model.layers[0].mlp.down_proj.weight.abs().max() == before


def test_a_precision_that_was_asked_for_is_not_gated() -> None:
    assert chosen(gpt2(), "fp32", Gate(losing=("fp32",))) == ("fp32", "flat")


def test_other_models_are_served_by_their_own_modules(
    caplog: pytest.LogCaptureFixture,
) -> None:
    module = llama(kind=MistralForCausalLM, sliding_window=None)
    with caplog.at_level(logging.INFO):
        assert chosen(module, "auto") == ("fp32", "transformers")
    assert caplog.messages == [
        "only plain GPT-2, Llama and Qwen2 models have a pass of their own",
        "computing in fp32 by the transformers pass",
    ]


def test_the_log_says_why_nothing_faster_was_taken(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no compiler
    with caplog.at_level(logging.INFO):
        precision, name = chosen(gpt2(), "auto", builds=tmp_path / "builds")
    assert caplog.messages[0] == "not used: int8 by the native pass: no C compiler"
    assert caplog.messages[-1] == f"computing in {precision} by the {name} pass"


def test_int8_without_a_compiler_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ModelUnavailable, match=r"needs a C compiler .* install gcc"):
        chosen(gpt2(), "int8", builds=tmp_path / "builds")


@pytest.mark.parametrize("make", [gpt2, lambda: llama(attention_bias=True)])
def test_a_precision_that_cannot_be_had_names_the_setting(make: Any) -> None:
    with pytest.raises(ModelUnavailable, match="WORKER_PRECISION=int8 cannot be had"):
        chosen(make(), "int8")


def shifted(make: Any) -> Any:
    """A model whose MLP does more than its configuration says."""
    module = make()
    blocks = module.transformer.h if make is gpt2 else module.model.layers
    blocks[0].mlp.register_forward_hook(lambda _module, _given, output: output * 1.5)
    return module


@pytest.mark.parametrize("make", [gpt2, llama])
def test_where_the_logits_differ_the_modules_serve_and_the_log_says_so(
    make: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert chosen(shifted(make), "auto") == ("fp32", "transformers")
    assert "gives other logits" in caplog.text


@needs_fp16
def test_a_precision_asked_for_whose_logits_differ_is_an_error() -> None:
    with pytest.raises(ModelUnavailable, match="other logits"):
        chosen(shifted(gpt2), "fp16")
