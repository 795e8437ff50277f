"""What comes of every oddity of servers, and that none of it reaches a log."""

from __future__ import annotations

import pytest

from chatsite.wire import ErrorCode, Outcome
from tests.worker.engine.remote.conftest import KEY, Open
from tests.worker.engine.remote.quirky_server import EXPECTED, TEXT, QuirkyServer
from tests.worker.recording_listener import completed

OUTCOMES = {
    Outcome.DONE: "done",
    Outcome.FAILED: "failed",
    Outcome.HANDED_BACK: "retry",
}


@pytest.mark.parametrize("name", EXPECTED)
def test_an_oddity_has_its_expected_end(
    name: str, opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    stop = ("👩",) if name == "stop-in-text" else ()
    prompt = "canary prompt"
    listener = completed(
        opened(name, key_variable="FAR_KEY"), prompt, stop=stop, max_new_tokens=40
    )
    ending, (text, expected) = listener.ending(), EXPECTED[name]
    outcome = "length" if ending.is_length_limited else OUTCOMES[ending.outcome]
    assert outcome == expected
    assert text in (None, listener.text)
    told = f"{caplog.text} {ending.detail}"
    assert not any(secret in told for secret in (KEY, prompt, "Süß"))


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("bad-key", ErrorCode.SERVER_REFUSED),
        ("gone-model", ErrorCode.SERVER_REFUSED),
        ("unprocessable", ErrorCode.SERVER_REFUSED),
        ("redirected", ErrorCode.SERVER_REFUSED),
        ("too-long", ErrorCode.TOO_LONG),
        ("ok-but-error", ErrorCode.MODEL_ERROR),
        ("only-tools", ErrorCode.MODEL_ERROR),
        # Only these may be the fault of what was asked, so they are counted.
        ("cut", ErrorCode.MODEL_ERROR),
        ("html", ErrorCode.MODEL_ERROR),
        ("stall", ErrorCode.MODEL_ERROR),
        ("only-done", ErrorCode.MODEL_ERROR),
        ("busy", None),
        ("loading", None),
    ],
)
def test_each_fault_has_a_reason(
    name: str, error: ErrorCode | None, opened: Open
) -> None:
    assert completed(opened(name), "hi").ending().error == error


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("plain", (11, 9)),
        ("usage-in-last", (11, 9)),
        ("usage-everywhere", (11, 9)),
        ("not-a-stream", (11, 9)),
    ],
)
def test_the_counts_are_those_of_the_server(
    name: str, tokens: tuple[int, int], opened: Open
) -> None:
    ending = completed(opened(name), "hi").ending()
    assert (ending.prompt_tokens, ending.new_tokens) == tokens


@pytest.mark.parametrize("name", ["no-usage", "absurd-usage", "no-tokens"])
def test_without_credible_counts_of_the_server_bytes_are_counted_not_chunks(
    name: str, opened: Open
) -> None:
    ending = completed(opened(name), "hi").ending()
    assert ending.new_tokens == -(-len(TEXT.encode()) // 3)
    assert 0 < ending.prompt_tokens <= 4096


def test_a_count_just_beyond_what_was_asked_for_is_not_taken(opened: Open) -> None:
    engine = opened("plain", context_tokens=64)
    assert completed(engine, "hi", max_new_tokens=9).ending().new_tokens == 9
    more = completed(engine, "hi", max_new_tokens=8).ending().new_tokens
    assert more == -(-len(TEXT.encode()) // 3)


def test_a_reply_that_nobody_answers_is_interrupted_without_blame(
    opened: Open, server: QuirkyServer
) -> None:
    server.close()
    ending = completed(opened("plain"), "hi").ending()
    assert (ending.outcome, ending.error) == (Outcome.HANDED_BACK, None)
