from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from chatsite.catalog import Catalog
from chatsite.wire import ErrorCode, Outcome
from tests.worker.conftest import ROOT, RecordingListener, request_for
from worker.engine.factory import open_engine
from worker.engine.interface import EngineClosed
from worker.engine.scripted import CRASH_EXIT_CODE, ScriptedEngine, expected_reply


@pytest.fixture
def engine() -> Iterator[ScriptedEngine]:
    engine = ScriptedEngine(rows=2)
    yield engine
    engine.close(0)


def played(engine: ScriptedEngine, prompt: str, **options: object) -> RecordingListener:
    heard = RecordingListener()
    engine.submit(request_for(prompt, **options), heard)  # type: ignore[arg-type]
    heard.ending()
    return heard


@pytest.mark.parametrize(
    "prompt",
    ["hello big world", "[words=3] a", "[unicode] hi [delay=0]", "", "[words=0]"],
)
def test_the_reply_is_the_expected_one(engine: ScriptedEngine, prompt: str) -> None:
    heard = played(engine, prompt)
    assert heard.text == expected_reply(prompt)
    assert heard.ending().outcome == Outcome.DONE
    assert heard.ending().new_tokens == len(heard.text.split())


def test_the_reply_holds_the_words_of_the_prompt_but_no_directive() -> None:
    reply = expected_reply("canary [words=5] [delay=0]")
    assert "canary" in reply
    assert "[" not in reply
    assert len(reply.split()) == 5


def test_a_reply_ends_at_its_most_tokens(engine: ScriptedEngine) -> None:
    ending = played(engine, "[words=40] [delay=0]", max_new_tokens=7).ending()
    assert ending.is_length_limited
    assert ending.new_tokens == 7


@pytest.mark.parametrize("seam", ["", " "])
def test_a_reply_that_was_begun_goes_on_behind_it(
    engine: ScriptedEngine, seam: str
) -> None:
    prompt = "[words=40] [delay=0] hello big world"
    first = played(engine, prompt, max_new_tokens=7).text + seam
    heard = RecordingListener()
    engine.submit(request_for(prompt, first, max_new_tokens=20), heard)
    assert heard.ending().is_length_limited
    assert heard.ending().new_tokens == 20
    second = heard.text
    heard = RecordingListener()
    engine.submit(request_for(prompt, first + second, max_new_tokens=13), heard)
    assert not heard.ending().is_length_limited
    assert first + second + heard.text == expected_reply(prompt)


def test_told_to_fail_it_fails_half_way(engine: ScriptedEngine) -> None:
    heard = played(engine, "[fail] hello")
    assert heard.ending().error == ErrorCode.MODEL_ERROR
    assert 0 < len(heard.text) < len(expected_reply("[fail] hello"))


def test_a_hanging_reply_ends_by_stop(engine: ScriptedEngine) -> None:
    heard = RecordingListener()
    run = engine.submit(request_for("[hang]"), heard)
    assert heard.first_text.wait(60)
    run.stop()
    assert heard.ending().outcome == Outcome.STOPPED


def test_a_hanging_reply_ends_by_its_deadline(engine: ScriptedEngine) -> None:
    ending = played(engine, "[hang] [delay=0]", max_seconds=0.2).ending()
    assert ending.error == ErrorCode.TOO_SLOW


def test_a_listener_that_raises_ends_its_own_run_alone(engine: ScriptedEngine) -> None:
    class Rude(RecordingListener):
        def on_text(self, text: str, new_tokens: int) -> None:
            raise SystemExit(1)

    heard = Rude()
    engine.submit(request_for("hello"), heard)
    assert heard.ending().outcome == Outcome.FAILED
    assert played(engine, "hello").ending().outcome == Outcome.DONE


def test_more_requests_than_rows_are_all_served(engine: ScriptedEngine) -> None:
    heard = [RecordingListener() for _ in range(7)]
    for one in heard:
        engine.submit(request_for("hello [delay=0]"), one)
    assert {one.ending().outcome for one in heard} == {Outcome.DONE}


def test_closing_hands_back_what_is_live_and_what_waits() -> None:
    engine = ScriptedEngine(rows=1)
    heard = [RecordingListener(), RecordingListener()]
    for one in heard:
        engine.submit(request_for("[hang] [delay=0]"), one)
    engine.close(0)
    assert [one.endings[0].outcome for one in heard] == [Outcome.HANDED_BACK] * 2
    with pytest.raises(EngineClosed):
        engine.submit(request_for("hello"), RecordingListener())


def test_closing_lets_live_replies_end_within_the_grace() -> None:
    engine = ScriptedEngine(rows=1)
    heard = RecordingListener()
    engine.submit(request_for("hello"), heard)
    engine.close(60)
    assert heard.endings[0].outcome == Outcome.DONE


def test_it_opens_without_torch_and_crashes_when_told() -> None:
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
        "    def on_text(self, text, new_tokens): pass\n"
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
