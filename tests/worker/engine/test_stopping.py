"""Stops, deadlines and the end of the engine take effect within one step."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

import pytest

from chatsite.wire import ErrorCode, Outcome
from tests.worker.engine.wrapped_models import Clock, GatedModel
from tests.worker.recording_listener import RecordingListener
from tests.worker.sample_requests import request_for
from tests.worker.tiny_models import entry_for
from worker.engine.drafts import DraftPolicy
from worker.engine.engine import TransformersEngine
from worker.engine.interface import Engine, EngineClosed
from worker.engine.model import LanguageModel


def test_stopping_keeps_the_text_so_far(
    gpt2: LanguageModel, closing: list[Engine]
) -> None:
    gate = GatedModel(gpt2)
    # One token a step.
    drafts = DraftPolicy(is_on=False)
    engine = TransformersEngine(gate, entry_for(), drafts=drafts)  # type: ignore[arg-type]
    closing.append(engine)
    listener = RecordingListener()
    running = engine.submit(request_for("hello", max_new_tokens=60), listener)
    while not listener.first_text.is_set():
        gate.steps.release()
        listener.first_text.wait(0.05)
    running.stop()
    at_stop = len(running.new_ids)
    gate.open()
    ending = listener.ending()
    assert ending.outcome == Outcome.STOPPED
    assert listener.text
    # At most one step, which had begun, followed the stop.
    assert ending.new_tokens <= at_stop + 1
    running.stop()
    assert len(listener.endings) == 1


def test_stopping_a_waiting_request_ends_it_without_text(
    gpt2: LanguageModel, closing: list[Engine]
) -> None:
    gate = GatedModel(gpt2)
    engine = TransformersEngine(gate, entry_for())  # type: ignore[arg-type]
    closing.append(engine)
    first, second = RecordingListener(), RecordingListener()
    engine.submit(request_for("one"), first)
    engine.submit(request_for("two"), second).stop()
    gate.open()
    assert second.ending().outcome == Outcome.STOPPED
    assert not second.text
    assert first.ending().outcome == Outcome.DONE


def test_a_request_past_its_deadline_ends_as_too_slow_with_its_text(
    gpt2: LanguageModel, closing: list[Engine]
) -> None:
    gate, clock = GatedModel(gpt2), Clock()
    engine = TransformersEngine(gate, entry_for(), clock=clock)  # type: ignore[arg-type]
    closing.append(engine)
    listener = RecordingListener()
    engine.submit(request_for("hello", max_new_tokens=60, max_seconds=5), listener)
    while not listener.first_text.is_set():
        gate.steps.release()
        listener.first_text.wait(0.05)
    clock.seconds = 5.1
    gate.open()
    ending = listener.ending()
    assert (ending.outcome, ending.error) == (Outcome.FAILED, ErrorCode.TOO_SLOW)
    assert listener.text


def test_closing_accepts_an_infinite_grace_time(gpt2: LanguageModel) -> None:
    engine = TransformersEngine(gpt2, entry_for())
    listener = RecordingListener()
    engine.submit(request_for("hello"), listener)
    engine.close(math.inf)
    assert listener.endings[0].outcome == Outcome.DONE


def test_stops_and_deadlines_take_effect_within_a_step_beside_others(
    gpt2: LanguageModel, closing: list[Engine], until: Callable[..., None]
) -> None:
    gate, clock = GatedModel(gpt2), Clock()
    engine = TransformersEngine(gate, entry_for(), rows=6, clock=clock)  # type: ignore[arg-type]
    closing.append(engine)
    listeners = [RecordingListener() for _ in range(6)]
    runs = [
        engine.submit(
            request_for(f"{n}", max_new_tokens=60, max_seconds=5 if n == 1 else 99),
            one,
        )
        for n, one in enumerate(listeners)
    ]
    released = 0
    for one in listeners:
        while not one.first_text.is_set():
            gate.steps.release()
            released += 1
            one.first_text.wait(0.05)
    until(lambda: gate.begun > released)  # the next step waits
    runs[0].stop()
    clock.seconds = 6
    before = engine.steps
    gate.steps.release(2)
    assert listeners[0].ending().outcome == Outcome.STOPPED
    assert listeners[1].ending().error == ErrorCode.TOO_SLOW
    assert engine.steps <= before + 2
    gate.open()
    assert {one.ending().outcome for one in listeners[2:]} == {Outcome.DONE}


def test_closing_lets_running_requests_finish_within_the_grace_time(
    gpt2: LanguageModel,
) -> None:
    engine = TransformersEngine(gpt2, entry_for())
    listener = RecordingListener()
    engine.submit(request_for("hello"), listener)
    engine.close(60)
    assert listener.endings[0].outcome == Outcome.DONE
    with pytest.raises(EngineClosed):
        engine.submit(request_for("hello"), RecordingListener())


def test_closing_hands_back_requests_after_the_grace_time(
    gpt2: LanguageModel,
) -> None:
    gate = GatedModel(gpt2)
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
