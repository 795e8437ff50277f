"""A reply that was cut short continues as if it had never been cut.

This holds if encoding the text of a reply gives the tokens that were written. A model
with random weights mostly writes broken characters, so here it is limited to letters.
"""

from __future__ import annotations

import math
import string
from dataclasses import replace
from typing import Any

import pytest
import torch

from chatsite.wire import Request, Role, Turn
from tests.environment import IS_SOAK
from tests.worker.engine.test_exactness import prompts
from tests.worker.recording_listener import RecordingListener
from tests.worker.sample_requests import request_for
from tests.worker.tiny_models import TRANSCRIPT, entry_for
from worker.engine.chat_template import TranscriptTemplate
from worker.engine.drafts import DraftPolicy
from worker.engine.engine import TransformersEngine
from worker.engine.interface import Engine
from worker.engine.kv_cache import KVCache
from worker.engine.model import LanguageModel
from worker.engine.running_request import RunningRequest
from worker.engine.sequence import Chunk

QUESTIONS = ["Why is honey sweet?", "Who are you?"][: 2 if IS_SOAK else 1]


class LetterModel:
    """A model that writes only given characters, and a space after a colon."""

    def __init__(self, model: LanguageModel, characters: str) -> None:
        self._model = model
        self._characters = model.tokenizer.encode(characters)
        self._colon, self._space = model.tokenizer.encode(": ")
        #: Tokens that each step read of each reply.
        self.read: list[tuple[RunningRequest, int]] = []
        self.context_tokens = model.context_tokens
        self.vocabulary = model.vocabulary
        self.device = model.device
        self.precision = model.precision
        self.eos_ids = model.eos_ids
        self.tokenizer = model.tokenizer
        self.new_kv_cache = model.new_kv_cache
        self.row_shape = model.row_shape
        self.wrap_logits = model.wrap_logits

    def forward(self, chunks: list[Chunk[Any]], cache: KVCache) -> torch.Tensor:
        self.read += [(chunk.sequence, chunk.stop - chunk.start) for chunk in chunks]
        logits = self._model.forward(chunks, cache)
        masked = torch.full_like(logits, -math.inf)
        last = [chunk.sequence.ids[-1] for chunk in chunks if chunk.is_last]
        for row, token in enumerate(last):
            allowed = [self._space] if token == self._colon else self._characters
            masked[row, allowed] = logits[row, allowed]
        return masked


@pytest.fixture(params=["gpt2", "llama"])
def small(request: pytest.FixtureRequest) -> LanguageModel:
    """A model with a transcript, and one with a chat template."""
    model: LanguageModel = request.getfixturevalue(request.param)
    return model


def engine_of(model: object, closing: list[Engine]) -> TransformersEngine:
    # Letters are made for one token of a reply a step.
    drafts = DraftPolicy(is_on=False)
    engine = TransformersEngine(model, entry_for(), drafts=drafts)  # type: ignore[arg-type]
    closing.append(engine)
    return engine


def replied(
    engine: TransformersEngine, wire_request: Request
) -> tuple[str, RunningRequest]:
    listener = RecordingListener()
    running = engine.submit(wire_request, listener)
    assert listener.ending(120).error is None
    return listener.text, running


def continued(wire_request: Request, text: str) -> Request:
    return replace(
        wire_request, turns=(*wire_request.turns, Turn(Role.ASSISTANT, text))
    )


def test_a_continued_reply_equals_an_uncut_one(
    small: LanguageModel, closing: list[Engine]
) -> None:
    engine = engine_of(LetterModel(small, string.ascii_letters), closing)
    for prompt in prompts(longest_words=10)[::6]:
        wire_request = request_for(prompt, temperature=1.0, max_new_tokens=20)
        whole, _ = replied(engine, wire_request)
        half = replace(
            wire_request, settings=replace(wire_request.settings, max_new_tokens=10)
        )
        first, _ = replied(engine, half)
        second, running = replied(engine, continued(half, first))
        assert first + second == whole
        assert running.new_tokens == 10


def test_white_space_at_the_cut_is_neither_doubled_nor_lost(
    small: LanguageModel, closing: list[Engine]
) -> None:
    engine = engine_of(LetterModel(small, "abcdefg \n"), closing)
    cuts = 0
    for prompt in prompts(longest_words=10)[::6]:
        wire_request = request_for(prompt, max_new_tokens=40)
        whole, _ = replied(engine, wire_request)
        half = replace(
            wire_request, settings=replace(wire_request.settings, max_new_tokens=10)
        )
        first, running = replied(engine, half)
        if small.tokenizer.decode(running.new_ids) not in (first, f" {first}"):
            continue  # White space beyond the template's own was stripped in front.
        second, _ = replied(engine, continued(half, first))
        assert whole.startswith(first + second)
        cuts += first != first.rstrip() and bool(second)
    assert cuts


def test_a_continuation_reads_only_the_last_token_again(
    small: LanguageModel, closing: list[Engine]
) -> None:
    model = LetterModel(small, string.ascii_letters)
    engine = engine_of(model, closing)
    wire_request = request_for("why is the sea blue", max_new_tokens=10)
    first, _ = replied(engine, wire_request)
    _, running = replied(engine, continued(wire_request, first))
    # Only the last token of the first half, which the model had not read yet.
    assert [count for one, count in model.read if one is running] == [1] * 10


def test_a_continuation_may_begin_with_a_space(
    gpt2: LanguageModel, closing: list[Engine]
) -> None:
    engine = engine_of(LetterModel(gpt2, " "), closing)
    wire_request = continued(request_for("why", max_new_tokens=3), "Because")
    assert replied(engine, wire_request)[0] == "   "


@pytest.mark.parametrize("is_transcript", [False, True])
def test_a_continued_reply_of_smollm2_equals_an_uncut_one(
    smollm2: LanguageModel, closing: list[Engine], *, is_transcript: bool
) -> None:
    engine = engine_of(smollm2, closing)
    if is_transcript:
        template = TranscriptTemplate(TRANSCRIPT, smollm2.tokenizer)
        engine._format = replace(engine._format, template=template)
    for question in QUESTIONS:
        wire_request = request_for(question, max_new_tokens=20)
        whole, _ = replied(engine, wire_request)
        half = replace(
            wire_request, settings=replace(wire_request.settings, max_new_tokens=10)
        )
        first, _ = replied(engine, half)
        second, _ = replied(engine, continued(half, first))
        assert first + second == whole
