from __future__ import annotations

import contextlib
import math
import threading
import weakref
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
import torch

from chatsite.wire import ErrorCode, Outcome, Role, Turn
from tests.worker.conftest import (
    CONTEXT_TOKENS,
    RecordingListener,
    entry_for,
    request_for,
)
from worker.engine.engine import TransformersEngine
from worker.engine.interface import Engine, EngineClosed
from worker.engine.kv_cache import KVCache
from worker.engine.model import LanguageModel
from worker.engine.running_request import RunningRequest
from worker.engine.sequence import Chunk


class Clock:
    """Stands still until it is told to copy."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Gate:
    """A model that waits before each step until it is let through."""

    def __init__(self, model: LanguageModel) -> None:
        self.steps = threading.Semaphore(0)
        #: How often a step came here, and had to wait unless it was let through before.
        self.asked = 0
        self._model = model
        self.context_tokens = model.context_tokens
        self.device = model.device
        self.eos_ids = model.eos_ids
        self.tokenizer = model.tokenizer
        self.new_kv_cache = model.new_kv_cache
        self.row_shape = model.row_shape

    def forward(self, chunks: list[Chunk[Any]], store: KVCache) -> torch.Tensor:
        self.asked += 1
        assert self.steps.acquire(timeout=60)
        return self._model.forward(chunks, store)

    def open(self) -> None:
        self.steps.release(1_000_000)


@pytest.fixture
def engine(gpt2: LanguageModel, closing: list[Engine]) -> TransformersEngine:
    engine = TransformersEngine(gpt2, entry_for(), rows=2)
    closing.append(engine)
    return engine


def finished(
    engine: TransformersEngine, *texts: str, **options: object
) -> RecordingListener:
    heard = RecordingListener()
    engine.submit(request_for(*texts, **options), heard)  # type: ignore[arg-type]
    heard.ending()
    return heard


def test_a_reply_is_told_piece_by_piece_and_ends(engine: TransformersEngine) -> None:
    heard = finished(engine, "hello")
    ending = heard.ending()
    assert ending.outcome == Outcome.DONE
    assert 0 < ending.new_tokens <= 16
    assert heard.counts == sorted(heard.counts)
    assert ending.prompt_tokens > len("hello")
    assert len(heard.endings) == 1


def test_the_same_seed_gives_the_same_text(engine: TransformersEngine) -> None:
    texts = [
        finished(engine, "hello", temperature=1.0, top_p=1.0, seed=seed).text
        for seed in (7, 7, 8)
    ]
    assert texts[0] == texts[1] != texts[2]


def test_a_reply_that_reaches_its_limit_says_so(engine: TransformersEngine) -> None:
    ending = finished(engine, "a", max_new_tokens=1).ending()
    assert ending.is_length_limited
    assert ending.new_tokens == 1


def test_a_stop_string_ends_the_reply_and_is_not_shown(
    engine: TransformersEngine,
) -> None:
    whole = finished(engine, "hello", temperature=1.0, seed=3).text
    stop = whole[4:6]
    heard = finished(engine, "hello", temperature=1.0, seed=3, stop=(stop,))
    assert heard.text == whole[: whole.index(stop)]
    assert not heard.ending().is_length_limited


def test_a_long_history_is_no_error(engine: TransformersEngine) -> None:
    history = [f"turn number {n}" for n in range(41)]
    ending = finished(engine, *history, dropped_turns=3).ending()
    assert ending.outcome == Outcome.DONE
    assert ending.dropped_turns > 3
    assert ending.cut_tokens == 0
    assert ending.prompt_tokens + ending.new_tokens <= CONTEXT_TOKENS


def test_a_prompt_too_long_by_itself_keeps_its_end(
    gpt2: LanguageModel, closing: list[Engine]
) -> None:
    engine = TransformersEngine(gpt2, entry_for())
    closing.append(engine)
    heard = RecordingListener()
    run = engine.submit(request_for("x" * 500 + " the end"), heard)
    assert heard.ending().cut_tokens > 300
    prompt = gpt2.tokenizer.decode(run.prompt_ids)
    assert prompt.endswith("the end\nAnswer:")
    assert prompt.startswith("A talk.")


def test_a_demand_for_too_many_tokens_leaves_half_of_the_context_to_the_prompt(
    engine: TransformersEngine,
) -> None:
    ending = finished(engine, "x" * 500, max_new_tokens=10_000).ending()
    assert ending.outcome == Outcome.DONE
    assert ending.prompt_tokens == CONTEXT_TOKENS // 2
    assert ending.new_tokens <= CONTEXT_TOKENS // 2


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": -1},
        {"temperature": math.nan},
        {"temperature": "hot"},
        {"top_p": 0},
        {"top_k": -1},
        {"top_k": 1.5},
        {"repetition_penalty": 0},
        {"max_new_tokens": 0},
        {"max_new_tokens": True},
        {"seed": 2**64},
        {"stop": ("",)},
        {"stop": (5,)},
        {"stop": None},
        {"max_seconds": "long"},
        {"max_seconds": 10**400},
    ],
)
def test_bad_settings_fail_the_reply_as_a_bad_request(
    engine: TransformersEngine, settings: dict[str, object]
) -> None:
    ending = finished(engine, "secret", **settings).ending()
    assert (ending.outcome, ending.error) == (Outcome.FAILED, ErrorCode.BAD_REQUEST)
    assert next(iter(settings)) in ending.detail
    assert finished(engine, "hello").ending().outcome == Outcome.DONE


def test_a_reply_to_be_continued_without_its_prompt_is_a_bad_request(
    engine: TransformersEngine,
) -> None:
    asked, heard = request_for("Hi", "secret"), RecordingListener()
    engine.submit(replace(asked, turns=asked.turns[1:]), heard)
    ending = heard.ending()
    assert ending.error == ErrorCode.BAD_REQUEST
    assert "secret" not in ending.detail


def test_stopping_keeps_the_text_so_far(
    gpt2: LanguageModel, closing: list[Engine]
) -> None:
    gate = Gate(gpt2)
    engine = TransformersEngine(gate, entry_for())  # type: ignore[arg-type]
    closing.append(engine)
    heard = RecordingListener()
    run = engine.submit(request_for("hello", max_new_tokens=60), heard)
    while not heard.first_text.is_set():
        gate.steps.release()
        heard.first_text.wait(0.05)
    run.stop()
    at_stop = len(run.new_ids)
    gate.open()
    ending = heard.ending()
    assert ending.outcome == Outcome.STOPPED
    assert heard.text
    # At most the one step that had begun came after the stop.
    assert ending.new_tokens <= at_stop + 1
    run.stop()
    assert len(heard.endings) == 1


def test_stopping_a_waiting_run_ends_it_without_text(
    gpt2: LanguageModel, closing: list[Engine]
) -> None:
    gate = Gate(gpt2)
    engine = TransformersEngine(gate, entry_for())  # type: ignore[arg-type]
    closing.append(engine)
    first, second = RecordingListener(), RecordingListener()
    engine.submit(request_for("one"), first)
    engine.submit(request_for("two"), second).stop()
    gate.open()
    assert second.ending().outcome == Outcome.STOPPED
    assert not second.text
    assert first.ending().outcome == Outcome.DONE


def test_a_run_past_its_deadline_ends_as_too_slow_with_its_text(
    gpt2: LanguageModel, closing: list[Engine]
) -> None:
    gate, clock = Gate(gpt2), Clock()
    engine = TransformersEngine(gate, entry_for(), clock=clock)  # type: ignore[arg-type]
    closing.append(engine)
    heard = RecordingListener()
    engine.submit(request_for("hello", max_new_tokens=60, max_seconds=5), heard)
    while not heard.first_text.is_set():
        gate.steps.release()
        heard.first_text.wait(0.05)
    clock.seconds = 5.1
    gate.open()
    ending = heard.ending()
    assert (ending.outcome, ending.error) == (Outcome.FAILED, ErrorCode.TOO_SLOW)
    assert heard.text


class Rude(RecordingListener):
    """A listener that raises at the first text."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    def on_text(self, text: str, new_tokens: int) -> None:
        raise self._error


@pytest.mark.parametrize(
    "error", [ValueError("secret"), SystemExit(1), KeyboardInterrupt(), MemoryError()]
)
def test_a_listener_that_raises_fails_its_own_run_alone(
    engine: TransformersEngine, error: BaseException
) -> None:
    rude, polite = Rude(error), RecordingListener()
    engine.submit(request_for("hello"), rude)
    engine.submit(request_for("hello"), polite)
    assert rude.ending().error == ErrorCode.MODEL_ERROR
    assert type(error).__name__ in rude.ending().detail
    assert "secret" not in rude.ending().detail
    assert polite.ending().outcome == Outcome.DONE


def test_a_listener_that_raises_at_the_end_harms_nobody(
    engine: TransformersEngine,
) -> None:
    class RudeAtTheEnd(RecordingListener):
        def on_end(self, ending: object) -> None:
            raise SystemExit(1)

    engine.submit(request_for("hello"), RudeAtTheEnd())
    assert finished(engine, "hello").ending().outcome == Outcome.DONE


class Faulty(Gate):
    """A model that spoils a step whenever ``is_due`` says so."""

    def __init__(
        self,
        model: LanguageModel,
        is_due: Callable[[list[Chunk[Any]]], bool],
        fault: BaseException | None = None,
    ) -> None:
        super().__init__(model)
        self._is_due = is_due
        self._fault = fault

    def forward(self, chunks: list[Chunk[Any]], store: KVCache) -> torch.Tensor:
        is_due = self._is_due(chunks)
        if is_due and self._fault is not None:
            raise self._fault
        logits = self._model.forward(chunks, store)
        return logits * math.nan if is_due else logits


FAULTS = [None, RuntimeError("secret"), MemoryError()]
PROMPTS = ("one", "two", "three", "four", "five")


def texts_of(
    model: object, closing: list[Engine], *, rows: int
) -> list[RecordingListener]:
    engine = TransformersEngine(model, entry_for(), rows=rows)  # type: ignore[arg-type]
    closing.append(engine)
    heard = [RecordingListener() for _ in PROMPTS]
    for prompt, one in zip(PROMPTS, heard, strict=True):
        engine.submit(request_for(prompt, temperature=1.0, seed=len(prompt)), one)
    for one in heard:
        one.ending()
    return heard


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_a_whole_step_loses_nobody(
    gpt2: LanguageModel, closing: list[Engine], fault: BaseException | None
) -> None:
    expected = [one.text for one in texts_of(gpt2, closing, rows=1)]
    steps = count()
    # In the middle, with several replies live and some of their text told.
    faulty = Faulty(gpt2, lambda chunks: next(steps) == 6, fault)
    heard = texts_of(faulty, closing, rows=4)
    assert [one.text for one in heard] == expected
    assert {one.endings[0].outcome for one in heard} == {Outcome.DONE}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_poisonous_run_fails_alone(
    gpt2: LanguageModel, closing: list[Engine], fault: BaseException | None
) -> None:
    expected = [one.text for one in texts_of(gpt2, closing, rows=1)]
    poison = gpt2.tokenizer.encode("three")

    def is_due(chunks: list[Chunk[Any]]) -> bool:
        prompts = [list(chunk.sequence.prompt_ids) for chunk in chunks]
        return any(
            poison == ids[n : n + len(poison)]
            for ids in prompts
            for n in range(len(ids))
        )

    heard = texts_of(Faulty(gpt2, is_due, fault), closing, rows=4)
    assert heard[2].endings[0].error == ErrorCode.MODEL_ERROR
    assert "secret" not in heard[2].endings[0].detail
    del heard[2], expected[2]
    assert [one.text for one in heard] == expected


def test_an_innocent_reply_outlives_many_poisonous_ones(
    gpt2: LanguageModel, closing: list[Engine]
) -> None:
    poison = gpt2.tokenizer.encode("poison")

    def is_due(chunks: list[Chunk[Any]]) -> bool:
        prompts = [list(chunk.sequence.prompt_ids) for chunk in chunks]
        size = len(poison)
        return any(
            poison == ids[n : n + size] for ids in prompts for n in range(len(ids))
        )

    gate = Gate(gpt2)
    faulty = Faulty(gate, is_due, RuntimeError())  # type: ignore[arg-type]
    faulty._model = gate  # type: ignore[assignment]
    engine = TransformersEngine(faulty, entry_for(), rows=3)  # type: ignore[arg-type]
    closing.append(engine)
    innocent = RecordingListener()
    asked = request_for("why is the sea blue", max_new_tokens=60, temperature=1.0)
    run = engine.submit(asked, innocent)
    for _ in range(6):
        bad = RecordingListener()
        engine.submit(request_for("poison"), bad)
        before = run.new_tokens
        while not bad.endings or run.new_tokens == before:
            assert not innocent.endings, innocent.endings
            gate.steps.release()
            bad._ended.wait(0.02)
        assert bad.endings[0].error == ErrorCode.MODEL_ERROR
    gate.open()
    assert innocent.ending().outcome == Outcome.DONE


def test_the_old_store_is_gone_before_the_new_one_is_made(
    gpt2: LanguageModel, closing: list[Engine]
) -> None:
    steps, stores, alive = count(), [], []

    def new_kv_cache(rows: int, tokens: int) -> KVCache:
        alive.append(sum(one() is not None for one in stores))
        store = gpt2.new_kv_cache(rows, tokens)
        stores.append(weakref.ref(store))
        return store

    faulty = Faulty(gpt2, lambda _: next(steps) in (3, 6), MemoryError())
    faulty.new_kv_cache = new_kv_cache  # type: ignore[method-assign]
    engine = TransformersEngine(faulty, entry_for(), rows=2)  # type: ignore[arg-type]
    closing.append(engine)
    assert finished(engine, "hello").ending().outcome == Outcome.DONE
    assert alive == [0, 0, 0]


def test_closing_waits_for_ever_if_told_so(gpt2: LanguageModel) -> None:
    engine = TransformersEngine(gpt2, entry_for())
    heard = RecordingListener()
    engine.submit(request_for("hello"), heard)
    engine.close(math.inf)
    assert heard.endings[0].outcome == Outcome.DONE


def test_an_engine_beyond_repair_hands_everything_back(
    gpt2: LanguageModel, closing: list[Engine]
) -> None:
    model = Faulty(gpt2, lambda chunks: True, RuntimeError())
    broken = threading.Event()
    engine = TransformersEngine(
        model,  # type: ignore[arg-type]
        entry_for(),
        rows=2,
        on_broken=broken.set,
    )
    closing.append(engine)

    def no_store(*_: object) -> KVCache:
        raise RuntimeError("the device is gone")

    model.new_kv_cache = no_store  # type: ignore[method-assign,assignment]
    heard = [RecordingListener() for _ in range(3)]
    for one in heard:
        with contextlib.suppress(EngineClosed):
            engine.submit(request_for("hello"), one)
    assert broken.wait(60)
    ended = [one.endings[0].outcome for one in heard if one.endings]
    assert ended
    assert set(ended) == {Outcome.HANDED_BACK}
    with pytest.raises(EngineClosed):
        engine.submit(request_for("hello"), RecordingListener())


def test_stops_and_deadlines_take_effect_within_a_step_beside_others(
    gpt2: LanguageModel, closing: list[Engine], until: Callable[..., None]
) -> None:
    gate, clock = Gate(gpt2), Clock()
    engine = TransformersEngine(gate, entry_for(), rows=6, clock=clock)  # type: ignore[arg-type]
    closing.append(engine)
    heard = [RecordingListener() for _ in range(6)]
    runs = [
        engine.submit(
            request_for(f"{n}", max_new_tokens=60, max_seconds=5 if n == 1 else 99),
            one,
        )
        for n, one in enumerate(heard)
    ]
    released = 0
    for one in heard:
        while not one.first_text.is_set():
            gate.steps.release()
            released += 1
            one.first_text.wait(0.05)
    until(lambda: gate.asked > released)  # the next one stands there
    runs[0].stop()
    clock.seconds = 6
    before = engine.steps
    gate.steps.release(2)
    assert heard[0].ending().outcome == Outcome.STOPPED
    assert heard[1].ending().error == ErrorCode.TOO_SLOW
    assert engine.steps <= before + 2
    gate.open()
    assert {one.ending().outcome for one in heard[2:]} == {Outcome.DONE}


def test_more_requests_than_rows_are_all_served_in_turn(
    engine: TransformersEngine,
) -> None:
    heard = [RecordingListener() for _ in range(9)]
    for one in heard:
        engine.submit(request_for("hello"), one)
    assert {one.ending().outcome for one in heard} == {Outcome.DONE}
    assert len({one.text for one in heard}) == 1


def test_closing_lets_live_runs_end_within_the_grace(gpt2: LanguageModel) -> None:
    engine = TransformersEngine(gpt2, entry_for())
    heard = RecordingListener()
    engine.submit(request_for("hello"), heard)
    engine.close(60)
    assert heard.endings[0].outcome == Outcome.DONE
    with pytest.raises(EngineClosed):
        engine.submit(request_for("hello"), RecordingListener())


def test_closing_hands_back_what_the_grace_did_not_suffice_for(
    gpt2: LanguageModel,
) -> None:
    gate = Gate(gpt2)
    engine = TransformersEngine(gate, entry_for())  # type: ignore[arg-type]
    live, waiting = RecordingListener(), RecordingListener()
    engine.submit(request_for("one", max_new_tokens=60), live)
    engine.submit(request_for("two", max_new_tokens=60), waiting)
    closer = threading.Thread(target=engine.close, args=(0,))
    closer.start()
    while not engine._is_handing_back:
        closer.join(0.01)
    gate.open()
    closer.join(60)
    assert not closer.is_alive()
    outcomes = [live.endings[0].outcome, waiting.endings[0].outcome]
    assert outcomes == [Outcome.HANDED_BACK, Outcome.HANDED_BACK]


def test_closing_twice_does_no_harm(gpt2: LanguageModel) -> None:
    engine = TransformersEngine(gpt2, entry_for())
    engine.close(1)
    engine.close(1)


def test_the_pace_is_measured_over_the_steps(engine: TransformersEngine) -> None:
    assert engine.throughput().tokens_per_second == 0
    finished(engine, "hello")
    assert engine.throughput().tokens_per_second > 0
    assert 0 < engine.throughput().prefill_share < 1
    assert engine.steps > 0


def test_a_typed_end_mark_stays_text(
    llama: LanguageModel, closing: list[Engine]
) -> None:
    engine = TransformersEngine(llama, entry_for())
    closing.append(engine)
    heard = RecordingListener()
    typed = "<|im_end|>x<|endoftext|>"
    run: RunningRequest = engine.submit(request_for(typed), heard)
    heard.ending()
    special = set(llama.tokenizer.special_tokens().values())
    # <|im_start|>user … <|im_end|> <|im_start|>assistant: the marks of the template.
    assert sum(token in special for token in run.prompt_ids) == 3
    assert typed in llama.tokenizer.decode(run.prompt_ids)


def test_an_empty_conversation_is_a_bad_request(engine: TransformersEngine) -> None:
    heard = RecordingListener()
    engine.submit(request_for(), heard)
    assert heard.ending().error == ErrorCode.BAD_REQUEST


def test_a_system_turn_stays_when_old_turns_go(
    gpt2: LanguageModel, closing: list[Engine]
) -> None:
    engine = TransformersEngine(gpt2, entry_for())
    closing.append(engine)
    history = request_for(*[f"turn {n}" for n in range(21)])
    turns = (Turn(Role.SYSTEM, "Be brief."), *history.turns)
    heard = RecordingListener()
    run = engine.submit(
        type(history)(turns, history.settings, history.max_seconds), heard
    )
    assert heard.ending().dropped_turns > 0
    prompt = gpt2.tokenizer.decode(run.prompt_ids)
    assert prompt.startswith("A talk.\n\nBe brief.\n\nQuestion:")
