"""Greedy output of the engine is that of ``generate``, token for token."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from chatsite.wire import Role, Turn
from tests.environment import IS_SOAK
from tests.worker.conftest import (
    CONTEXT_TOKENS,
    RecordingListener,
    entry_for,
    request_for,
)
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
    """Fifty prompts from one character to ``longest_words`` words, most of them short.

    The higher the ``power``, the fewer are long.
    """
    dice = random.Random(5)
    sizes = [
        round(longest_words * (n / (PROMPTS - 1)) ** power) for n in range(PROMPTS)
    ]
    return [" ".join(dice.choices(WORDS, k=size)) or "x" for size in sizes]


def some(texts: list[str]) -> list[str]:
    """All of them in `make soak`, else every third, the longest among them."""
    return texts[:: -1 if IS_SOAK else -3]


def reference(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, local_files_only=True).eval()


def generated(model: Any, ids: list[int], **options: Any) -> list[int]:
    """What ``generate`` adds to a prompt, without its end mark."""
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


def check_equality(
    engine: TransformersEngine, model: Any, texts: list[str], **options: Any
) -> list[int]:
    """Compare on the tokens that the engine kept; their numbers, for the caller."""
    lengths = []
    for text in texts:
        heard = RecordingListener()
        asked = request_for(text, **options)
        # Short, and so is the prompt: a chat template would put in a long one.
        turns = (Turn(Role.SYSTEM, "Hi"), *asked.turns)
        run = engine.submit(replace(asked, turns=turns), heard)
        assert heard.ending(120).error is None
        ids = list(run.prompt_ids)
        assert run.new_ids == generated(model, ids, **options)
        lengths.append(len(ids))
    return lengths


@pytest.mark.parametrize("penalty", [1.0, 1.3])
@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_small_models_equal_generate(
    request: pytest.FixtureRequest, closing: list[Engine], name: str, penalty: float
) -> None:
    model: LanguageModel = request.getfixturevalue(name)
    # Prompts are read in several chunks here.
    engine = TransformersEngine(model, entry_for(), prefill_tokens=40)
    closing.append(engine)
    lengths = check_equality(
        engine,
        reference(request.getfixturevalue(f"{name}_folder")),
        some(prompts(longest_words=40)),
        max_new_tokens=24,
        repetition_penalty=penalty,
    )
    # The longest prompts do not fit and are cut; some of them fill what is left.
    assert max(lengths) > CONTEXT_TOKENS - 24 - 4


def test_smollm2_equals_generate(
    smollm2: LanguageModel, smollm2_folder: Path, closing: list[Engine]
) -> None:
    """From a prompt of one token to past the context, which is cut short for speed."""
    context, words, new = (512, 600, 16) if IS_SOAK else (96, 110, 3)
    engine = TransformersEngine(smollm2, entry_for(context_tokens=context))
    closing.append(engine)
    lengths = check_equality(
        engine,
        reference(smollm2_folder),
        some(prompts(words, power=4)),
        max_new_tokens=new,
    )
    assert max(lengths) > context - new - 4


def test_a_prompt_of_one_token_equals_generate(
    gpt2: LanguageModel, gpt2_folder: Path
) -> None:
    store, sequence = gpt2.new_kv_cache(rows=1, tokens=16), Sequence([65])
    for position in range(8):
        logits = gpt2.forward([Chunk(sequence, 0, position, position + 1)], store)
        sequence.ids.append(int(logits[0].argmax()))
    expected = generated(reference(gpt2_folder), [65], max_new_tokens=8)
    assert sequence.ids[1 : len(expected) + 1] == expected
