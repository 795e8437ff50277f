"""Clients that hang up, and calls that are sent again with their key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chat.models import Conversation, Reply
from chat.services.jobs.stop import stop_reply
from chat.services.live.hub import hub
from chatsite import wire
from chatsite.mailbox import Mailbox
from chatsite.mailbox.callers import CallerMark
from tests.chat.api.openai.conftest import ASK, KeyClient

pytestmark = pytest.mark.django_db(transaction=True)
KEY = {"Idempotency-Key": "once"}


def call(program: KeyClient, **fields: Any) -> Any:
    body = {"model": "scripted", "messages": ASK, **fields}
    return program.post("chat/completions", body, **KEY)


def begun_stream(program: KeyClient, **fields: Any) -> tuple[Any, Iterator[bytes]]:
    """A stream whose first event has come."""
    answer = call(program, stream=True, **fields)
    parts = iter(answer.streaming_content)
    next(parts)
    return answer, parts


def said(parts: Iterator[bytes]) -> list[dict[str, Any]]:
    """The events that are left."""
    *events, done, _ = b"".join(parts).decode().split("\n\n")
    assert done == "data: [DONE]"
    return [json.loads(event.removeprefix("data: ")) for event in events]


@pytest.mark.parametrize("count", [1, 2])
def test_a_call_repeated_after_a_hang_up_gets_a_whole_reply(
    program, worker, meanwhile, count: int
) -> None:
    answer, _ = begun_stream(program, n=count)
    worker.write(worker.claim(), "Hon")
    answer.close()
    written = meanwhile(lambda: [worker.answer("Honey.") for _ in range(count)])
    again = call(program, n=count).json()
    written.result()
    choices = [
        (one["message"]["content"], one["finish_reason"]) for one in again["choices"]
    ]
    assert choices == [("Honey.", "stop")] * count
    # It is another version of the reply, in the same conversation, and found again.
    conversation = Conversation.objects.get()
    assert [one.text for one in conversation.path()] == [ASK[0]["content"], "Honey."]
    assert Reply.objects.count() == 2 * count
    assert call(program, n=count).json()["id"] == again["id"]


def test_a_hang_up_leaves_the_reply_to_another_call_with_the_same_key(
    program, worker
) -> None:
    first, _ = begun_stream(program)
    _, parts = begun_stream(program)
    first.close()
    worker.answer("Honey.")
    *texts, last = [event["choices"][0] for event in said(parts)]
    assert "".join(one["delta"]["content"] for one in texts) == "Honey."
    assert last["finish_reason"] == "stop"


def test_the_last_of_them_who_hangs_up_stops_it(program) -> None:
    first, _ = begun_stream(program)
    second, _ = begun_stream(program)
    second.close()
    assert Reply.objects.get().state == wire.State.QUEUED
    first.close()
    assert Reply.objects.get().state == wire.State.STOPPED
    assert not len(hub())


def test_a_hang_up_leaves_the_reply_to_a_call_of_another_process(
    program, box: Mailbox, settings
) -> None:
    answer, _ = begun_stream(program)
    pk = str(Reply.objects.get().pk)
    other = CallerMark("another process", [pk], settings.CALLER_LOST_SECONDS)
    box.live_replies([(pk, 0, 0)], other)
    answer.close()
    assert Reply.objects.get().state == wire.State.QUEUED
    again, _ = begun_stream(program)
    box.let_go(other.process, [pk], settings.CALLER_LOST_SECONDS)
    again.close()
    assert Reply.objects.get().state == wire.State.STOPPED


def test_the_mailbox_knows_who_waits_for_a_reply(
    program, box: Mailbox, until, settings
) -> None:
    answer, _ = begun_stream(program)
    pk = str(Reply.objects.get().pk)
    until(lambda: not box.let_go("another", [pk], settings.CALLER_LOST_SECONDS))
    answer.close()
    assert box.let_go("another", [pk], settings.CALLER_LOST_SECONDS) == [pk]


def test_a_reply_that_its_owner_stops_is_an_error(program, meanwhile, until) -> None:
    def stop() -> None:
        until(lambda: len(hub()))
        stop_reply(Reply.objects.with_path().get(state=wire.State.QUEUED))

    stopped = meanwhile(stop)
    answer = call(program)
    stopped.result()
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "stopped")
    assert call(program).json()["error"]["code"] == "stopped"
    _, parts = begun_stream(program)
    (event,) = said(parts)
    assert event["error"]["code"] == "stopped"


def test_a_reply_that_another_process_gave_up_may_be_asked_for_again(
    program, meanwhile, worker, until
) -> None:
    def give_up() -> None:
        until(lambda: len(hub()))
        stop_reply(Reply.objects.with_path().get(), is_given_up=True)

    given_up = meanwhile(give_up)
    answer = call(program)
    given_up.result()
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert answer.json()["error"]["code"] == "call_ended"
    written = meanwhile(lambda: worker.answer("Honey."))
    assert call(program).status_code == 200
    written.result()


@pytest.mark.parametrize(
    ("error", "states"),
    [
        (wire.ErrorCode.WORKER_LOST, [503, 200]),
        (wire.ErrorCode.MODEL_ERROR, [500, 200]),
        (wire.ErrorCode.TOO_LONG, [400, 400]),
        (wire.ErrorCode.TOO_SLOW, [500, 500]),
    ],
)
def test_a_failure_that_may_pass_is_tried_again_with_its_key(
    program, worker, meanwhile, error: wire.ErrorCode, states: list[int]
) -> None:
    def fail() -> Any:
        return worker.answer("", outcome=wire.Outcome.FAILED, error=error)

    failed = meanwhile(fail)
    first = call(program).status_code
    failed.result()
    is_tried_again = states[-1] == 200
    written = meanwhile(lambda: worker.answer("Honey.")) if is_tried_again else None
    assert [first, call(program).status_code] == states
    if written:
        written.result()
        assert call(program).status_code == 200


def test_a_version_of_a_reply_that_was_given_up_is_not_given_up(
    program, account
) -> None:
    from chat.services.reply_versions import retry

    answer, _ = begun_stream(program)
    answer.close()
    old = Reply.objects.with_path().get()
    assert old.is_given_up
    assert not retry(old).is_given_up
