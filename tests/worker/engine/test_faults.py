"""A fault ends the request that caused it, and no other."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from chatsite.wire import ErrorCode, Outcome
from tests.worker.engine.wrapped_models import FaultyModel, GatedModel
from tests.worker.recording_listener import RecordingListener, completed
from tests.worker.sample_requests import request_for
from tests.worker.tiny_models import entry_for
from worker.engine.engine import TransformersEngine
from worker.engine.interface import Engine, EngineClosed
from worker.engine.kv_cache import KVCache
from worker.engine.model import LanguageModel
from worker.engine.sequence import Chunk


class RaisingListener(RecordingListener):
    """A listener that raises at the first text."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    def on_text(self, text: str, new_tokens: int, logprobs: object = ()) -> None:
        raise self._error


@pytest.mark.parametrize(
    "error", [ValueError("secret"), SystemExit(1), KeyboardInterrupt(), MemoryError()]
)
def test_a_listener_that_raises_fails_only_its_own_request(
    engine: TransformersEngine, error: BaseException
) -> None:
    raising, other = RaisingListener(error), RecordingListener()
    engine.submit(request_for("hello"), raising)
    engine.submit(request_for("hello"), other)
    assert raising.ending().error == ErrorCode.MODEL_ERROR
    assert type(error).__name__ in raising.ending().detail
    assert "secret" not in raising.ending().detail
    assert other.ending().outcome == Outcome.DONE


def test_a_listener_that_raises_at_the_end_does_not_stop_the_engine(
    engine: TransformersEngine,
) -> None:
    class RaisingAtTheEnd(RecordingListener):
        def on_end(self, ending: object) -> None:
            raise SystemExit(1)

    engine.submit(request_for("hello"), RaisingAtTheEnd())
    assert completed(engine, "hello").ending().outcome == Outcome.DONE


FAULTS = [None, RuntimeError("secret"), MemoryError()]
PROMPTS = ("one", "two", "three", "four", "five")


def texts_of(
    model: object, closing: list[Engine], *, rows: int
) -> list[RecordingListener]:
    engine = TransformersEngine(model, entry_for(), rows=rows)  # type: ignore[arg-type]
    closing.append(engine)
    listeners = [RecordingListener() for _ in PROMPTS]
    for prompt, one in zip(PROMPTS, listeners, strict=True):
        engine.submit(request_for(prompt, temperature=1.0, seed=len(prompt)), one)
    for one in listeners:
        one.ending()
    return listeners


@pytest.fixture(scope="module")
def solo_texts(gpt2: LanguageModel) -> list[str]:
    """What each prompt gets with no other request beside it."""
    engines: list[Engine] = []
    texts = [one.text for one in texts_of(gpt2, engines, rows=1)]
    engines[0].close(0)
    return texts


def reads_prompt_with(
    model: LanguageModel, word: str
) -> Callable[[list[Chunk[Any]]], bool]:
    """Whether a step reads a request whose prompt contains ``word``."""
    wanted = model.tokenizer.encode(word)

    def is_due(chunks: list[Chunk[Any]]) -> bool:
        prompts = [list(chunk.sequence.prompt_ids) for chunk in chunks]
        return any(
            wanted == ids[n : n + len(wanted)]
            for ids in prompts
            for n in range(len(ids))
        )

    return is_due


@pytest.mark.parametrize("fault", FAULTS)
def test_after_a_failed_step_all_replies_are_complete(
    gpt2: LanguageModel,
    closing: list[Engine],
    solo_texts: list[str],
    fault: BaseException | None,
) -> None:
    expected = list(solo_texts)
    steps = count()
    # In the middle, when several replies are running and have some text.
    faulty = FaultyModel(gpt2, lambda chunks: next(steps) == 6, fault)
    listeners = texts_of(faulty, closing, rows=4)
    assert [one.text for one in listeners] == expected
    assert {one.endings[0].outcome for one in listeners} == {Outcome.DONE}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_request_that_breaks_steps_fails_alone(
    gpt2: LanguageModel,
    closing: list[Engine],
    solo_texts: list[str],
    fault: BaseException | None,
) -> None:
    expected = list(solo_texts)
    is_due = reads_prompt_with(gpt2, "three")
    listeners = texts_of(FaultyModel(gpt2, is_due, fault), closing, rows=4)
    assert listeners[2].endings[0].error == ErrorCode.MODEL_ERROR
    assert "secret" not in listeners[2].endings[0].detail
    del listeners[2], expected[2]
    assert [one.text for one in listeners] == expected


def test_a_good_request_survives_many_that_break_steps(
    gpt2: LanguageModel, closing: list[Engine]
) -> None:
    is_due = reads_prompt_with(gpt2, "poison")
    gate = GatedModel(gpt2)
    faulty = FaultyModel(gate, is_due, RuntimeError())  # type: ignore[arg-type]
    faulty._model = gate  # type: ignore[assignment]
    engine = TransformersEngine(faulty, entry_for(), rows=3)  # type: ignore[arg-type]
    closing.append(engine)
    good = RecordingListener()
    wire_request = request_for(
        "why is the sea blue", max_new_tokens=60, temperature=1.0
    )
    running = engine.submit(wire_request, good)
    for _ in range(6):
        bad = RecordingListener()
        engine.submit(request_for("poison"), bad)
        before = running.new_tokens
        while not bad.endings or running.new_tokens == before:
            assert not good.endings, good.endings
            gate.steps.release()
            bad.ended.wait(0.02)
        assert bad.endings[0].error == ErrorCode.MODEL_ERROR
    gate.open()
    assert good.ending().outcome == Outcome.DONE


def test_the_old_cache_is_freed_before_a_new_one_is_allocated(
    gpt2: LanguageModel, closing: list[Engine]
) -> None:
    steps, caches, alive = count(), [], []

    def new_kv_cache(rows: int, tokens: int) -> KVCache:
        alive.append(sum(one() is not None for one in caches))
        cache = gpt2.new_kv_cache(rows, tokens)
        caches.append(weakref.ref(cache))
        return cache

    faulty = FaultyModel(gpt2, lambda _: next(steps) in (3, 6), MemoryError())
    faulty.new_kv_cache = new_kv_cache  # type: ignore[method-assign]
    engine = TransformersEngine(faulty, entry_for(), rows=2)  # type: ignore[arg-type]
    closing.append(engine)
    assert completed(engine, "hello").ending().outcome == Outcome.DONE
    assert alive == [0, 0, 0]


def test_an_engine_beyond_repair_hands_back_all_requests(
    gpt2: LanguageModel, closing: list[Engine]
) -> None:
    model = FaultyModel(gpt2, lambda chunks: True, RuntimeError())
    broken = threading.Event()
    engine = TransformersEngine(
        model,  # type: ignore[arg-type]
        entry_for(),
        rows=2,
        on_broken=broken.set,
    )
    closing.append(engine)

    def no_cache(*_: object) -> KVCache:
        raise RuntimeError("the device is gone")

    model.new_kv_cache = no_cache  # type: ignore[method-assign,assignment]
    listeners = [RecordingListener() for _ in range(3)]
    for one in listeners:
        with contextlib.suppress(EngineClosed):
            engine.submit(request_for("hello"), one)
    assert broken.wait(60)
    ended = [one.endings[0].outcome for one in listeners if one.endings]
    assert ended
    assert set(ended) == {Outcome.HANDED_BACK}
    with pytest.raises(EngineClosed):
        engine.submit(request_for("hello"), RecordingListener())
