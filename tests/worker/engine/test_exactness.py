"""Greedy output of the engine equals that of ``generate``, token for token."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, LogitsProcessor

from chatsite.wire import Role, SamplingParams, Turn
from tests.environment import FORWARD, IS_SOAK
from tests.worker.recording_listener import RecordingListener
from tests.worker.sample_requests import request_for
from tests.worker.tiny_models import CONTEXT_TOKENS, entry_for
from worker.engine.engine import TransformersEngine
from worker.engine.interface import Engine
from worker.engine.model import LanguageModel
from worker.engine.sequence import Chunk, Sequence

PROMPTS = 50
WORDS = [
    "why",
    "is",
    "the",
    "sea",
    "blue",
    "and",
    "how",
    "do",
    "bees",
    "make",
    "honey",
    "when",
    "it",
    "rains",
    "in",
    "Paris",
    "ünd",
    "日本",
    "tell",
    "me",
    "a",
    "story",
    "about",
    "3",
    "small",
    "cats",
    "🐈",
    "who",
    "cross",
    "the",
    "river",
    "at",
    "night",
]


def prompts(longest_words: int, power: int = 2) -> list[str]:
    """Fifty prompts from one character to ``longest_words`` words, mostly short.

    A higher ``power`` gives fewer long ones.
    """
    rng = random.Random(5)
    sizes = [
        round(longest_words * (n / (PROMPTS - 1)) ** power) for n in range(PROMPTS)
    ]
    return [" ".join(rng.choices(WORDS, k=size)) or "x" for size in sizes]


def sample_of(texts: list[str]) -> list[str]:
    """All of them in `make soak`, otherwise every fifth, including the longest."""
    return texts[:: -1 if IS_SOAK else -5]


def reference(folder: Path) -> Any:
    if not FORWARD.endswith("-fp32"):
        pytest.skip("only in fp32 are the tokens those of transformers")
    return AutoModelForCausalLM.from_pretrained(folder, local_files_only=True).eval()


def generated(model: Any, ids: list[int], **options: Any) -> list[int]:
    """The tokens that ``generate`` adds to a prompt, without its end mark."""
    inputs = torch.tensor([ids])
    with torch.inference_mode():
        output = model.generate(
            inputs,
            attention_mask=torch.ones_like(inputs),
            do_sample=False,
            pad_token_id=0,
            **options,
        )
    new: list[int] = output[0, len(ids) :].tolist()
    return new[:-1] if new[-1] == model.generation_config.eos_token_id else new


class PlainPenalties(LogitsProcessor):
    """Bias and penalties as they are defined, for one reply."""

    def __init__(self, prompt_tokens: int, params: SamplingParams) -> None:
        self._prompt_tokens, self._params = prompt_tokens, params

    def __call__(self, ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        params, scores = self._params, scores.clone()
        for token, bias in params.logit_bias.items():
            scores[0, token] += bias
        reply = ids[0, self._prompt_tokens :].tolist()
        for token in set(reply):
            scores[0, token] -= params.presence_penalty
            scores[0, token] -= params.frequency_penalty * reply.count(token)
        return scores


def check_equality(
    engine: TransformersEngine, model: Any, texts: list[str], **options: Any
) -> list[int]:
    """Compare, given the prompt as the engine cut it; return the prompt lengths."""
    lengths = []
    for text in texts:
        listener = RecordingListener()
        wire_request = request_for(text, **options)
        # SmolLM2's chat template would insert a long system text otherwise.
        turns = (Turn(Role.SYSTEM, "Hi"), *wire_request.turns)
        running = engine.submit(replace(wire_request, turns=turns), listener)
        assert listener.ending(120).error is None
        ids = list(running.prompt_ids)
        assert running.new_ids == generated(model, ids, **options)
        lengths.append(len(ids))
    return lengths


@pytest.mark.parametrize(("name", "penalty"), [("gpt2", 1.3), ("llama", 1.0)])
def test_small_models_equal_generate(
    request: pytest.FixtureRequest, closing: list[Engine], name: str, penalty: float
) -> None:
    model: LanguageModel = request.getfixturevalue(name)
    # With 40 tokens a step, prompts are read in several chunks.
    engine = TransformersEngine(model, entry_for(), prefill_tokens=40)
    closing.append(engine)
    lengths = check_equality(
        engine,
        reference(request.getfixturevalue(f"{name}_folder")),
        sample_of(prompts(longest_words=40)),
        max_new_tokens=24,
        repetition_penalty=penalty,
    )
    # The longest prompts do not fit and are cut to what is left of the context.
    assert max(lengths) > CONTEXT_TOKENS - 24 - 4


@pytest.mark.parametrize(
    "params",
    [
        {"presence_penalty": 2, "logit_bias": {101: 3}},
        {"frequency_penalty": 1.3},
        {"frequency_penalty": -2, "presence_penalty": -1},
    ],
    ids=str,
)
def test_penalties_over_the_reply_are_those_of_their_definition(
    gpt2: LanguageModel, gpt2_folder: Path, closing: list[Engine], params: dict
) -> None:
    engine, plain = TransformersEngine(gpt2, entry_for()), reference(gpt2_folder)
    closing.append(engine)
    changed = 0
    for text in prompts(longest_words=12)[::10]:
        wire_request, listener = request_for(text, **params), RecordingListener()
        running = engine.submit(wire_request, listener)
        assert listener.ending().error is None
        ids = running.prompt_ids
        penalties = PlainPenalties(len(ids), wire_request.settings)
        expected = generated(
            plain, ids, max_new_tokens=16, logits_processor=[penalties]
        )
        assert running.new_ids == expected
        changed += expected != generated(plain, ids, max_new_tokens=16)
    assert changed


def test_smollm2_equals_generate(
    smollm2: LanguageModel, smollm2_folder: Path, closing: list[Engine]
) -> None:
    """Prompts from one token to more than the context, which is small for speed."""
    context, words, new = (512, 600, 16) if IS_SOAK else (96, 110, 3)
    engine = TransformersEngine(smollm2, entry_for(context_tokens=context))
    closing.append(engine)
    lengths = check_equality(
        engine,
        reference(smollm2_folder),
        sample_of(prompts(words, power=4)),
        max_new_tokens=new,
    )
    assert max(lengths) > context - new - 4


def test_a_prompt_of_one_token_equals_generate(
    gpt2: LanguageModel, gpt2_folder: Path
) -> None:
    cache, sequence = gpt2.new_kv_cache(rows=1, tokens=16), Sequence([65])
    for position in range(8):
        logits = gpt2.forward([Chunk(sequence, 0, position, position + 1)], cache)
        sequence.ids.append(int(logits[0].argmax()))
    expected = generated(reference(gpt2_folder), [65], max_new_tokens=8)
    assert sequence.ids[1 : len(expected) + 1] == expected
