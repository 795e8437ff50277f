"""A reply that was cut short goes on where it ended, as if it had never been cut.

That holds where the text of a reply gives the very tokens that were written. A model of
random weights mostly writes broken characters, so here it is held to letters.
"""

from __future__ import annotations

import math
import string
from dataclasses import replace
from typing import Any

import pytest
import torch

from chatsite.wire import Request, Role, Turn
from tests.worker.conftest import TEMPLATE, RecordingListener, entry_for, request_for
from tests.worker.engine.test_exactness import prompts
from worker.engine.chat_template import TranscriptTemplate
from worker.engine.engine import TransformersEngine
from worker.engine.interface import Engine
from worker.engine.kv_cache import KVCache
from worker.engine.model import LanguageModel
from worker.engine.running_request import RunningRequest
from worker.engine.sequence import Chunk

QUESTIONS = ["Who are you?", "Why is honey sweet?"]


class Lettered:
    """A model that writes nothing but some characters, and a space behind a colon."""

    def __init__(self, model: LanguageModel, characters: str) -> None:
        self._model = model
        self._characters = model.tokenizer.encode(characters)
        self._colon, self._space = model.tokenizer.encode(": ")
        #: Tokens that each step read of each reply.
        self.read: list[tuple[RunningRequest, int]] = []
        self.context_tokens = model.context_tokens
        self.device = model.device
        self.eos_ids = model.eos_ids
        self.tokenizer = model.tokenizer
        self.new_kv_cache = model.new_kv_cache
        self.row_shape = model.row_shape

    def forward(self, chunks: list[Chunk[Any]], store: KVCache) -> torch.Tensor:
        self.read += [(chunk.sequence, chunk.stop - chunk.start) for chunk in chunks]
        logits = self._model.forward(chunks, store)
        held = torch.full_like(logits, -math.inf)
        last = [chunk.sequence.ids[-1] for chunk in chunks if chunk.is_last]
        for line, token in enumerate(last):
            allowed = [self._space] if token == self._colon else self._characters
            held[line, allowed] = logits[line, allowed]
        return held


@pytest.fixture(params=["gpt2", "llama"])
def small(request: pytest.FixtureRequest) -> LanguageModel:
    """One that is spoken to by a transcript, and one by a chat template."""
    model: LanguageModel = request.getfixturevalue(request.param)
    return model


def engine_of(model: object, closing: list[Engine]) -> TransformersEngine:
    engine = TransformersEngine(model, entry_for())  # type: ignore[arg-type]
    closing.append(engine)
    return engine


def replied(engine: TransformersEngine, asked: Request) -> tuple[str, RunningRequest]:
    heard = RecordingListener()
    run = engine.submit(asked, heard)
    assert heard.ending(120).error is None
    return heard.text, run


def continued(asked: Request, text: str) -> Request:
    return replace(asked, turns=(*asked.turns, Turn(Role.ASSISTANT, text)))


@pytest.mark.parametrize("temperature", [0, 1.0])
def test_two_halves_are_the_whole(
    small: LanguageModel, closing: list[Engine], temperature: float
) -> None:
    engine = engine_of(Lettered(small, string.ascii_letters), closing)
    for prompt in prompts(longest_words=10)[::6]:
        asked = request_for(prompt, temperature=temperature, max_new_tokens=20)
        whole, _ = replied(engine, asked)
        half = replace(asked, settings=replace(asked.settings, max_new_tokens=10))
        first, _ = replied(engine, half)
        second, run = replied(engine, continued(half, first))
        assert first + second == whole
        assert run.new_tokens == 10


def test_white_space_at_the_seam_is_neither_doubled_nor_lost(
    small: LanguageModel, closing: list[Engine]
) -> None:
    engine = engine_of(Lettered(small, "abcdefg \n"), closing)
    seams = 0
    for prompt in prompts(longest_words=10)[::6]:
        asked = request_for(prompt, max_new_tokens=40)
        whole, _ = replied(engine, asked)
        half = replace(asked, settings=replace(asked.settings, max_new_tokens=10))
        first, run = replied(engine, half)
        if small.tokenizer.decode(run.new_ids) not in (first, f" {first}"):
            continue  # More white space than the template's own was trimmed in front.
        second, _ = replied(engine, continued(half, first))
        assert whole.startswith(first + second)
        seams += first != first.rstrip() and bool(second)
    assert seams


def test_hardly_anything_is_read_anew(
    small: LanguageModel, closing: list[Engine]
) -> None:
    model = Lettered(small, string.ascii_letters)
    engine = engine_of(model, closing)
    asked = request_for("why is the sea blue", max_new_tokens=10)
    first, _ = replied(engine, asked)
    _, run = replied(engine, continued(asked, first))
    # Nothing but the last token of the first half, which was not read before.
    assert [count for one, count in model.read if one is run] == [1] * 10


def test_a_continuation_may_begin_with_a_space(
    gpt2: LanguageModel, closing: list[Engine]
) -> None:
    engine = engine_of(Lettered(gpt2, " "), closing)
    asked = continued(request_for("why", max_new_tokens=3), "Because")
    assert replied(engine, asked)[0] == "   "


@pytest.mark.parametrize("is_transcript", [False, True])
def test_smollm2_goes_on_as_if_never_cut(
    smollm2: LanguageModel, closing: list[Engine], *, is_transcript: bool
) -> None:
    engine = engine_of(smollm2, closing)
    if is_transcript:
        template = TranscriptTemplate(TEMPLATE, smollm2.tokenizer)
        engine._speaker = replace(engine._speaker, template=template)
    for question in QUESTIONS:
        asked = request_for(question, max_new_tokens=20)
        whole, _ = replied(engine, asked)
        half = replace(asked, settings=replace(asked.settings, max_new_tokens=10))
        first, _ = replied(engine, half)
        second, _ = replied(engine, continued(half, first))
        assert first + second == whole
