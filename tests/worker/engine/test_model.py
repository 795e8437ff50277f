"""Model folders are loaded, or refused with a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    BloomConfig,
    BloomForCausalLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    Lfm2Config,
    Lfm2ForCausalLM,
    MambaConfig,
    MambaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Phi3Config,
    Phi3ForCausalLM,
)

from tests.worker.recording_listener import RecordingListener
from tests.worker.sample_requests import request_for
from tests.worker.tiny_models import byte_tokenizer, entry_for, write_model
from worker.engine.device import pick_device
from worker.engine.engine import TransformersEngine
from worker.engine.interface import Engine, ModelUnavailable
from worker.engine.model import LanguageModel, load_model


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"none: is no folder"):
        load_model(tmp_path / "none")


@pytest.mark.parametrize("name", ["tpu", "cuda:99", "cuda:x", ""])
def test_an_absent_device_is_named(name: str) -> None:
    with pytest.raises(ModelUnavailable, match="device"):
        pick_device(name)


def test_auto_finds_a_device() -> None:
    assert pick_device("auto").type in ("cpu", "cuda", "mps")


def test_the_fallback_model_answers_a_question(
    smollm2: LanguageModel, closing: list[Engine]
) -> None:
    engine = TransformersEngine(smollm2, entry_for(context_tokens=2048))
    closing.append(engine)
    listener = RecordingListener()
    engine.submit(
        request_for("What is the capital of France?", max_new_tokens=20), listener
    )
    assert listener.ending().error is None
    assert "Paris" in listener.text


TINY = {
    "vocab_size": 259,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "initializer_range": 0.4,
}


def test_a_sliding_window_limits_the_context(
    tmp_path: Path,
) -> None:
    torch.manual_seed(1)
    module = MistralForCausalLM(MistralConfig(**TINY, sliding_window=48))
    folder = write_model(tmp_path / "model", module, byte_tokenizer())
    assert load_model(folder, device="cpu", threads=1).context_tokens == 48


def test_a_model_with_unsupported_attention_is_refused(tmp_path: Path) -> None:
    torch.manual_seed(1)
    # Scores are capped, which plain attention does not do.
    config = Gemma2Config(**TINY, head_dim=8, attn_logit_softcapping=0.05)
    folder = write_model(
        tmp_path / "model", Gemma2ForCausalLM(config), byte_tokenizer()
    )
    with pytest.raises(ModelUnavailable, match="attention"):
        load_model(folder, device="cpu", threads=1)


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        # BLOOM has positions in its mask (ALiBi); Mamba has no attention.
        (BloomConfig(vocab_size=259, hidden_size=32, n_head=4), BloomForCausalLM),
        (MambaConfig(vocab_size=259, hidden_size=32), MambaForCausalLM),
    ],
)
def test_an_unsupported_architecture_is_refused_in_one_line(
    tmp_path: Path, config: Any, kind: Any
) -> None:
    folder = write_model(tmp_path / "model", kind(config), byte_tokenizer())
    with pytest.raises(ModelUnavailable, match="this kind of model") as refused:
        load_model(folder, device="cpu", threads=1)
    assert "\n" not in str(refused.value)


def phi3(**changes: Any) -> Any:
    config = Phi3Config(**{**TINY, "pad_token_id": 0}, **changes)
    return Phi3ForCausalLM(config)


@pytest.mark.parametrize(
    ("make", "context"),
    [
        (
            lambda: phi3(
                original_max_position_embeddings=48,
                rope_parameters={
                    "rope_type": "longrope",
                    "rope_theta": 10000.0,
                    "short_factor": [1.0] * 4,
                    "long_factor": [4.0] * 4,
                },
            ),
            48,
        ),
        (phi3, 128),
    ],
)
def test_positions_do_not_depend_on_other_sequences_of_a_step(
    tmp_path: Path, make: Any, context: int
) -> None:
    torch.manual_seed(1)
    folder = write_model(tmp_path / "model", make(), byte_tokenizer())
    assert load_model(folder, device="cpu", threads=1).context_tokens == context


@pytest.mark.parametrize("cap", [50.0, 8.0])
def test_a_small_cap_on_attention_scores_is_refused(tmp_path: Path, cap: float) -> None:
    config = Gemma2Config(**TINY, head_dim=8, attn_logit_softcapping=cap)
    folder = write_model(
        tmp_path / "model", Gemma2ForCausalLM(config), byte_tokenizer()
    )
    with pytest.raises(ModelUnavailable, match="softcap"):
        load_model(folder, device="cpu", threads=1)


def test_a_cache_with_other_layers_is_refused(tmp_path: Path) -> None:
    layers = ["conv", "full_attention"]
    module = Lfm2ForCausalLM(Lfm2Config(**TINY, layer_types=layers))
    folder = write_model(tmp_path / "model", module, byte_tokenizer())
    with pytest.raises(ModelUnavailable, match="this kind of model"):
        load_model(folder, device="cpu", threads=1)
