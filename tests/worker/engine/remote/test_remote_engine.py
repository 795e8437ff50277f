"""The remote engine against a server: what it sends, and how a call ends early."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chatsite.catalog import ModelEntry
from chatsite.remote_model import Continuing, RemoteKind, RemoteModel
from chatsite.wire import ErrorCode, Outcome
from tests.worker.engine.remote.conftest import KEY, Open
from tests.worker.engine.remote.quirky_server import TEXT, Answer, QuirkyServer
from tests.worker.recording_listener import RecordingListener, completed
from tests.worker.sample_requests import request_for
from worker.engine.interface import EngineClosed, ModelUnavailable
from worker.engine.remote.engine import RemoteEngine
from worker.engine.remote.prompt import GO_ON
from worker.engine.remote.remote_request import RemoteRequest


def begun(
    engine: RemoteEngine, *, is_helper: bool = False, **options: Any
) -> tuple[RecordingListener, RemoteRequest]:
    """A reply whose first text has come."""
    listener = RecordingListener()
    request = request_for("hi", **options)
    handle = engine.submit(request, listener, is_helper=is_helper)
    assert listener.first_text.wait(60)
    return listener, handle


def test_a_stop_hangs_up_and_keeps_the_text(opened: Open, server: QuirkyServer) -> None:
    listener, handle = begun(opened("stall", silence_seconds=60))
    handle.stop()
    assert listener.ending().outcome == Outcome.STOPPED
    assert listener.text == "Süß"
    assert server.gone.acquire(timeout=60)
    handle.stop()
    assert len(listener.endings) == 1


def test_a_request_is_stopped_before_it_has_a_row(
    opened: Open, server: QuirkyServer
) -> None:
    engine = opened("stall", silence_seconds=60, rows=1)
    begun(engine)
    waiting = RecordingListener()
    engine.submit(request_for("hi"), waiting).stop()
    assert waiting.ending().outcome == Outcome.STOPPED
    assert len(server.calls) == 1


def test_a_closing_engine_hands_its_replies_back(
    opened: Open, server: QuirkyServer
) -> None:
    engine = opened("stall", silence_seconds=60)
    listener, _ = begun(engine)
    engine.close(0)
    ending = listener.ending()
    assert (ending.outcome, ending.error) == (Outcome.HANDED_BACK, None)
    assert server.gone.acquire(timeout=60)
    with pytest.raises(EngineClosed):
        engine.submit(request_for("hi"), RecordingListener())


def test_a_closing_engine_lets_replies_finish(opened: Open) -> None:
    engine, listener = opened("plain"), RecordingListener()
    engine.submit(request_for("hi"), listener)
    engine.close(60)
    assert listener.ending().outcome == Outcome.DONE


def test_a_reply_that_takes_too_long_fails(opened: Open) -> None:
    listener, _ = begun(opened("stall", silence_seconds=60), max_seconds=0.5)
    ending = listener.ending()
    assert (ending.outcome, ending.error) == (Outcome.FAILED, ErrorCode.TOO_SLOW)


def test_a_helper_job_gives_its_row_to_a_person_and_goes_back(opened: Open) -> None:
    engine = opened("stall", silence_seconds=60, rows=1)
    helper, _ = begun(engine, is_helper=True)
    second = RecordingListener()
    engine.submit(request_for("hi"), second, is_helper=True)
    person, _ = begun(engine)
    assert helper.ending().outcome == Outcome.HANDED_BACK
    assert not person.endings
    assert not second.texts


def test_so_many_are_asked_for_at_once_as_the_server_says(opened: Open) -> None:
    assert opened("plain", rows=0).rows == 3
    assert opened("plain", rows=5).rows == 5


def test_a_server_is_not_believed_that_it_writes_any_number_of_replies_at_once(
    opened: Open, server: QuirkyServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.slots = 10**12
    assert opened("plain", rows=0).rows == 256
    assert "more than 256 replies at once" in caplog.text
    assert opened("plain", rows=300).rows == 300


@pytest.mark.parametrize("slots", [0, -1, 2.5, True, "9", None])
def test_what_is_no_number_of_replies_leaves_the_default(
    opened: Open, server: QuirkyServer, slots: Any
) -> None:
    server.slots = slots
    assert opened("plain", rows=0).rows == 8


def test_the_key_is_sent_and_a_missing_one_refused(
    opened: Open, server: QuirkyServer
) -> None:
    completed(opened("plain", key_variable="FAR_KEY"), "hi")
    assert server.headers[-1]["Authorization"] == f"Bearer {KEY}"
    completed(opened("plain"), "hi")
    assert "Authorization" not in server.headers[-1]
    with pytest.raises(ModelUnavailable, match="OTHER_KEY"):
        opened("plain", key_variable="OTHER_KEY")


@pytest.mark.parametrize("key", ["two words", "Schlüssel", "a\nb"])
def test_a_key_that_no_header_can_hold_is_refused_unseen(key: str) -> None:
    remote = RemoteModel(url="http://127.0.0.1:1/v1", model="m", key_variable="K")
    entry = ModelEntry("far", "Far", None, 64, engine="remote", remote=remote)
    with pytest.raises(ModelUnavailable) as refused:
        RemoteEngine(entry, rows=1, environment={"K": key})
    assert key not in str(refused.value)


def test_a_chat_is_sent_with_its_settings(opened: Open, server: QuirkyServer) -> None:
    request = replace(
        request_for(
            *("one", "two", "three"), seed=2**40 + 7, top_k=4, stop=("a", "b", "c", "d")
        ),
    )
    listener = RecordingListener()
    opened("plain", stop=("e",)).submit(request, listener)
    assert listener.ending().outcome == Outcome.DONE
    [call] = server.calls
    assert call == {
        "path": "/v1/chat/completions",
        "model": "plain",
        "messages": [
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": "two"},
            {"role": "user", "content": "three"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0,
        "top_p": 0.9,
        "seed": 7,
        "max_tokens": 16,
        "stop": ["e", "a", "b", "c"],
    }


def test_an_entry_lists_what_its_server_takes(
    opened: Open, server: QuirkyServer
) -> None:
    sends = ("top_k", "repeat_penalty", "max_completion_tokens")
    completed(opened("plain", sends=sends), "hi", top_k=4, repetition_penalty=1.2)
    sent = set(server.calls[0]) - {"path", "model", "messages", "stream"}
    assert sent == set(sends)
    assert server.calls[0]["repeat_penalty"] == 1.2


def test_a_base_model_gets_a_transcript(opened: Open, server: QuirkyServer) -> None:
    engine = opened("not-a-stream", kind=RemoteKind.COMPLETIONS)
    completed(engine, "one", "two", "three")
    [call] = server.calls
    assert call["path"] == "/v1/completions"
    assert call["prompt"] == "A talk.\n\nQ: one\nA: two\n\nQ: three\nA:"
    assert call["stop"] == ["\nQ:", "\nA:"]
    assert call["echo"] is False


def test_a_raw_prompt_is_sent_as_it_is(opened: Open, server: QuirkyServer) -> None:
    request = replace(request_for(" as it is"), is_raw=True)
    listener = RecordingListener()
    opened("plain", stop=("e",)).submit(request, listener)
    assert listener.ending().outcome == Outcome.DONE
    [call] = server.calls
    assert (call["path"], call["prompt"]) == ("/v1/completions", " as it is")
    assert "stop" not in call


@pytest.mark.parametrize("continues", Continuing)
def test_a_reply_is_continued_as_the_server_can(
    continues: Continuing, opened: Open, server: QuirkyServer
) -> None:
    listener = completed(opened("plain", continues=continues), "one", "begun ")
    [call] = server.calls
    last = call["messages"][-1]
    is_asked = continues is Continuing.ASKED
    expected = ("user", GO_ON) if is_asked else ("assistant", "begun")
    assert (last["role"], last["content"]) == expected
    is_told = continues is Continuing.FINAL_MESSAGE
    assert call.get("continue_final_message", False) is is_told
    assert listener.text == TEXT


def test_a_word_that_a_message_of_its_own_continues_gets_a_space(opened: Open) -> None:
    assert completed(opened("plain"), "one", "begun").text == f" {TEXT}"
    assert completed(opened("plain"), "one", "begun.").text == TEXT


def test_old_turns_make_room_when_the_server_finds_a_prompt_too_long(
    opened: Open, server: QuirkyServer
) -> None:
    server.next_answers = ["too-long", "too-long"]
    long = [f"{n} " + "word " * 100 for n in range(9)]
    ending = completed(opened("plain", context_tokens=2000), *long).ending()
    assert ending.outcome == Outcome.DONE
    first, second, third = (len(call["messages"]) for call in server.calls)
    assert first >= second >= third
    assert first > third
    assert ending.dropped_turns == len(long) - third


def test_a_prompt_that_may_not_be_cut_is_refused_before_it_is_sent(
    opened: Open, server: QuirkyServer
) -> None:
    request = replace(request_for("word " * 500), is_cut_refused=True)
    listener = RecordingListener()
    opened("plain", context_tokens=100).submit(request, listener)
    ending = listener.ending()
    assert ending.error == ErrorCode.TOO_LONG
    assert ending.refused_tokens > 100
    assert not server.calls


def test_a_message_that_is_too_long_loses_its_beginning(
    opened: Open, server: QuirkyServer
) -> None:
    ending = completed(opened("plain", context_tokens=200), "x" * 5000 + "?").ending()
    assert ending.outcome == Outcome.DONE
    assert ending.cut_tokens > 0
    assert server.calls[0]["messages"][0]["content"].endswith("x?")


def test_bad_settings_fail_before_they_are_sent(
    opened: Open, server: QuirkyServer
) -> None:
    ending = completed(opened("plain"), "hi", temperature=-1).ending()
    assert ending.error == ErrorCode.BAD_REQUEST
    assert not server.calls


def test_a_listener_that_fails_ends_its_own_reply_only(opened: Open) -> None:
    class Failing(RecordingListener):
        def on_text(self, *_: Any) -> None:
            raise RuntimeError("canary")

    engine, failing = opened("plain"), Failing()
    engine.submit(request_for("hi"), failing)
    assert failing.ending().outcome == Outcome.FAILED
    assert completed(engine, "hi").ending().outcome == Outcome.DONE


def test_it_pauses_after_a_fault_and_comes_back(
    opened: Open, server: QuirkyServer, until: Any
) -> None:
    engine = opened("plain", check_seconds=0.1)
    until(lambda: engine.pause is None)
    server.health = 500
    checks = server.checks
    until(lambda: server.checks > checks + 1)
    assert engine.pause is None
    server.health = 503
    until(lambda: engine.pause is not None)
    pause = engine.pause
    assert pause is not None
    assert pause.is_away
    assert "503" in pause.reason
    server.health = 200
    until(lambda: engine.pause is None)


def test_a_busy_server_is_left_alone_for_a_while(
    opened: Open, server: QuirkyServer, until: Any
) -> None:
    engine = opened("plain")
    until(lambda: engine.pause is None)
    server.next_answers = [Answer(429, {}, {"Retry-After": "1"})]
    completed(engine, "hi")
    until(lambda: engine.pause is not None)
    assert engine.pause is not None
    assert not engine.pause.is_away
    until(lambda: engine.pause is None)


def test_the_speed_is_measured_while_it_writes(opened: Open, until: Any) -> None:
    engine = opened("endless", rows=1)
    listener, handle = begun(engine, max_new_tokens=4000)
    until(lambda: engine.throughput().tokens_per_second > 0)
    assert engine.throughput().running in (0, 1)
    handle.stop()
    listener.ending()
