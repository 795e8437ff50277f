"""The engine without weights does what its directives say."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from chatsite.catalog import Catalog
from chatsite.wire import ErrorCode, Outcome
from tests.worker.conftest import ROOT
from tests.worker.recording_listener import RecordingListener
from tests.worker.sample_requests import request_for
from worker.engine.factory import open_engine
from worker.engine.interface import EngineClosed
from worker.engine.script import expected_reply
from worker.engine.scripted import CONTEXT_TOKENS, ScriptedEngine
from worker.engine.scripted_request import CRASH_EXIT_CODE


@pytest.fixture
def engine() -> Iterator[ScriptedEngine]:
    engine = ScriptedEngine(rows=2)
    yield engine
    engine.close(0)


def played(engine: ScriptedEngine, prompt: str, **options: object) -> RecordingListener:
    listener = RecordingListener()
    engine.submit(request_for(prompt, **options), listener)  # type: ignore[arg-type]
    listener.ending()
    return listener


@pytest.mark.parametrize(
    "prompt",
    ["hello big world", "[words=3] a", "[unicode] hi [delay=0]", "", "[words=0]"],
)
def test_the_reply_is_the_expected_one(engine: ScriptedEngine, prompt: str) -> None:
    listener = played(engine, prompt)
    assert listener.text == expected_reply(prompt)
    assert listener.ending().outcome == Outcome.DONE
    assert listener.ending().new_tokens == len(listener.text.split())


def test_the_reply_contains_the_words_but_no_directive() -> None:
    reply = expected_reply("canary [words=5] [delay=0]")
    assert "canary" in reply
    assert "[" not in reply
    assert len(reply.split()) == 5


def test_a_reply_ends_at_its_token_limit(engine: ScriptedEngine) -> None:
    ending = played(engine, "[words=40] [delay=0]", max_new_tokens=7).ending()
    assert ending.is_length_limited
    assert ending.new_tokens == 7


@pytest.mark.parametrize("seam", ["", " "])
def test_a_begun_reply_is_continued(engine: ScriptedEngine, seam: str) -> None:
    prompt = "[words=40] [delay=0] hello big world"
    first = played(engine, prompt, max_new_tokens=7).text + seam
    listener = RecordingListener()
    engine.submit(request_for(prompt, first, max_new_tokens=20), listener)
    assert listener.ending().is_length_limited
    assert listener.ending().new_tokens == 20
    second = listener.text
    listener = RecordingListener()
    engine.submit(request_for(prompt, first + second, max_new_tokens=13), listener)
    assert not listener.ending().is_length_limited
    assert first + second + listener.text == expected_reply(prompt)


def test_a_stop_string_ends_the_reply_and_is_not_shown(engine: ScriptedEngine) -> None:
    listener = played(engine, "one two three", stop=("o th", "three You"))
    # Of two, the one that is complete first.
    assert listener.text == "You said: one tw"
    assert listener.ending().new_tokens == 5
    assert not listener.ending().is_length_limited
    # What might have begun one is shown at the end.
    assert played(engine, "[words=4] a b", stop=("b!",)).text == "You said: a b"


def test_a_prompt_that_must_not_be_cut_is_refused_with_its_length(
    engine: ScriptedEngine,
) -> None:
    for words, error in (
        (CONTEXT_TOKENS, ErrorCode.TOO_LONG),
        (CONTEXT_TOKENS - 1, None),
    ):
        request = replace(request_for("a " * words), is_cut_refused=True)
        listener = RecordingListener()
        engine.submit(request, listener)
        ending = listener.ending()
        assert ending.error == error
        assert ending.refused_tokens == (words if error else 0)
        assert ending.context_tokens == CONTEXT_TOKENS
        assert ending.new_tokens == (0 if error else 1)
        assert ending.is_length_limited == (error is None)


def test_a_raw_prompt_is_the_last_turn(engine: ScriptedEngine) -> None:
    listener = RecordingListener()
    engine.submit(replace(request_for("a", "b [words=3]"), is_raw=True), listener)
    listener.ending()
    assert listener.text == "You said: b"


def test_log_probabilities_come_with_the_words(engine: ScriptedEngine) -> None:
    found = played(engine, "a b", logprobs=3, stop=(" b",)).logprobs
    assert [one.token for one in found] == [b"You", b" said:", b" a"]
    assert [len(one.top) for one in found] == [3, 3, 3]
    assert found[1].top[0] == (b" said:", found[1].logprob)
    assert played(engine, "a b").logprobs == []


def test_invalid_sampling_params_are_a_bad_request(engine: ScriptedEngine) -> None:
    ending = played(engine, "hello", logit_bias={60_000: 1}).ending()
    assert ending.error == ErrorCode.BAD_REQUEST


def test_the_fail_directive_fails_half_way(engine: ScriptedEngine) -> None:
    listener = played(engine, "[fail] hello")
    assert listener.ending().error == ErrorCode.MODEL_ERROR
    assert 0 < len(listener.text) < len(expected_reply("[fail] hello"))


def test_a_hanging_reply_can_be_stopped(engine: ScriptedEngine) -> None:
    listener = RecordingListener()
    handle = engine.submit(request_for("[hang]"), listener)
    assert listener.first_text.wait(60)
    handle.stop()
    assert listener.ending().outcome == Outcome.STOPPED


def test_a_hanging_reply_ends_at_its_deadline(engine: ScriptedEngine) -> None:
    ending = played(engine, "[hang] [delay=0]", max_seconds=0.2).ending()
    assert ending.error == ErrorCode.TOO_SLOW


def test_a_listener_that_raises_fails_only_its_own_request(
    engine: ScriptedEngine,
) -> None:
    class Rude(RecordingListener):
        def on_text(self, text: str, new_tokens: int, logprobs: object = ()) -> None:
            raise SystemExit(1)

    listener = Rude()
    engine.submit(request_for("hello"), listener)
    assert listener.ending().outcome == Outcome.FAILED
    assert played(engine, "hello").ending().outcome == Outcome.DONE


def test_more_requests_than_rows_are_all_served(engine: ScriptedEngine) -> None:
    listeners = [RecordingListener() for _ in range(7)]
    for one in listeners:
        engine.submit(request_for("hello [delay=0]"), one)
    assert {one.ending().outcome for one in listeners} == {Outcome.DONE}


def test_closing_hands_back_running_and_waiting_requests() -> None:
    engine = ScriptedEngine(rows=1)
    listeners = [RecordingListener(), RecordingListener()]
    for one in listeners:
        engine.submit(request_for("[hang] [delay=0]"), one)
    engine.close(0)
    assert [one.endings[0].outcome for one in listeners] == [Outcome.HANDED_BACK] * 2
    with pytest.raises(EngineClosed):
        engine.submit(request_for("hello"), RecordingListener())


def test_closing_lets_replies_finish_within_the_grace_time() -> None:
    engine = ScriptedEngine(rows=1)
    listener = RecordingListener()
    engine.submit(request_for("hello"), listener)
    engine.close(60)
    assert listener.endings[0].outcome == Outcome.DONE


def test_it_opens_without_torch_and_crashes_on_request() -> None:
    code = (
        "import sys, threading, pathlib\n"
        "from chatsite.catalog import Catalog\n"
        "from chatsite.wire import Request, Role, SamplingParams, Turn\n"
        "from worker.engine.factory import open_engine\n"
        "import worker.fetch\n"
        "entry = Catalog.load(pathlib.Path('catalog.toml')).get('scripted')\n"
        "engine = open_engine(entry, None, rows=1, device='auto', threads=0)\n"
        "print('torch' in sys.modules, flush=True)\n"
        "class Deaf:\n"
        "    def on_text(self, *_): pass\n"
        "    def on_end(self, ending): pass\n"
        "turns = (Turn(Role.USER, '[crash]'),)\n"
        "engine.submit(Request(turns, SamplingParams(), 60), Deaf())\n"
        "threading.Event().wait(60)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "False", done.stderr
    assert done.returncode == CRASH_EXIT_CODE


def test_the_catalogue_entry_opens_this_engine() -> None:
    entry = Catalog.load(ROOT / "catalog.toml").get("scripted")
    engine = open_engine(entry, None, rows=3, device="auto", threads=0)
    assert isinstance(engine, ScriptedEngine)
    assert (engine.rows, engine.model_info.model) == (3, "scripted")
    engine.close(0)
