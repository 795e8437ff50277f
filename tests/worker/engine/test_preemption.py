"""Helper jobs give their rows to people, and lose no text by it."""

from __future__ import annotations

from typing import Any

import pytest

from chatsite.wire import Outcome
from tests.worker.recording_listener import RecordingListener
from tests.worker.sample_requests import request_for
from tests.worker.tiny_models import entry_for
from worker.engine.engine import TransformersEngine
from worker.engine.interface import Engine
from worker.engine.model import LanguageModel
from worker.engine.scripted import ScriptedEngine

ROWS = 2
LONG = {"max_new_tokens": 60, "temperature": 1.0}
#: Decode steps by which a helper job may delay a person.
STEPS = 2


def steps_to_first_token(engine: TransformersEngine, text: str) -> int:
    """Answer a person step by step; how many there are until the first token."""
    listener, steps = RecordingListener(), 0
    request = engine.submit(request_for(text, max_new_tokens=3), listener)
    while not (request.new_tokens or request.is_finished):
        engine.step()
        steps += 1
    while not listener.endings:
        engine.step()
    return steps


def helpers(engine: Engine, count: int, **params: Any) -> list[RecordingListener]:
    found = []
    for seed in range(count):
        listener = RecordingListener()
        request = request_for("tell me", seed=seed, **params)
        engine.submit(request, listener, is_helper=True)
        found.append(listener)
    return found


@pytest.fixture
def stepped(
    gpt2: LanguageModel, closing: list[Engine], monkeypatch: pytest.MonkeyPatch
) -> TransformersEngine:
    """An engine that steps only when it is told to."""
    monkeypatch.setattr(TransformersEngine, "_loop", lambda _engine: None)
    made = TransformersEngine(gpt2, entry_for(), rows=ROWS, prefill_tokens=1000)
    closing.append(made)
    return made


@pytest.fixture
def engine(gpt2: LanguageModel, closing: list[Engine]) -> TransformersEngine:
    made = TransformersEngine(gpt2, entry_for(), rows=ROWS, prefill_tokens=1000)
    closing.append(made)
    return made


def played(engine: TransformersEngine, jobs: list[RecordingListener]) -> list[str]:
    """The texts of these jobs, once all have ended."""
    while not all(job.endings for job in jobs):
        engine.step()
    assert {job.ending().outcome for job in jobs} == {Outcome.DONE}
    return [job.text for job in jobs]


def test_a_person_starts_within_two_steps_of_when_they_would_have(
    stepped: TransformersEngine,
) -> None:
    undisturbed = played(stepped, helpers(stepped, 4, **LONG))
    alone = steps_to_first_token(stepped, "a person")
    jobs = helpers(stepped, 4, **LONG)
    for before in (1, 5, 11):
        for _ in range(before):
            stepped.step()
        steps = steps_to_first_token(stepped, f"another person {before}")
        assert steps <= alone + STEPS
        assert not all(job.endings for job in jobs)
    assert played(stepped, jobs) == undisturbed


def test_people_are_not_preempted(engine: TransformersEngine) -> None:
    people = [RecordingListener() for _ in range(ROWS)]
    for listener in people:
        engine.submit(request_for("tell me", **LONG), listener)
    (job,) = helpers(engine, 1, **LONG)
    job.ending()
    assert all(listener.ended.is_set() for listener in people)


def test_the_time_of_a_helper_job_runs_while_it_has_a_row(
    gpt2: LanguageModel, closing: list[Engine]
) -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 1.0
        return now[0]

    engine = TransformersEngine(gpt2, entry_for(), rows=1, clock=clock)
    closing.append(engine)
    (job,) = helpers(engine, 1, max_new_tokens=4, max_seconds=60)
    person = RecordingListener()
    engine.submit(request_for("on", max_new_tokens=80, max_seconds=10_000), person)
    assert person.ending().outcome == Outcome.DONE
    assert job.ending().outcome == Outcome.DONE


def test_the_scripted_engine_does_so_too(closing: list[Engine]) -> None:
    engine = ScriptedEngine(rows=1)
    closing.append(engine)
    first, second = RecordingListener(), RecordingListener()
    hanging = engine.submit(request_for("[hang] a"), first, is_helper=True)
    engine.submit(request_for("[words=4] b"), second, is_helper=True)
    assert first.first_text.wait(60)
    person = RecordingListener()
    engine.submit(request_for("hello"), person)
    assert person.ending().outcome == Outcome.DONE
    assert not second.texts
    hanging.stop()
    assert first.ending().outcome == Outcome.STOPPED
    assert second.ending().outcome == Outcome.DONE
