"""Serving with a real mailbox and a real (scripted) engine."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from chatsite import wire
from chatsite.logprobs import LOGPROBS_MAX_BYTES, TokenLogprobs, read_lines
from chatsite.mailbox import Claim, Mailbox, RunningReply
from tests.valkey import Valkey
from worker.delivery import Delivery
from worker.engine.scripted import ScriptedEngine
from worker.serving import ReplyServer

PROMPT = "[hang] after half of the words"
NEVER_SECONDS = 3600
REQUEST = wire.Request((wire.Turn(wire.Role.USER, PROMPT),), wire.SamplingParams(), 60)


@pytest.fixture
def server(box: Mailbox) -> Iterator[ReplyServer]:
    """A server that flushes only what is urgent, with one reply in its line."""
    options = {"owner": "ann", "share": "ann", "cost": 100.0, "model": "scripted"}
    box.enqueue("a", 1, request=REQUEST, **options)  # type: ignore[arg-type]
    made = ReplyServer(
        ScriptedEngine(),
        box,
        "w",
        lease_seconds=60,
        flush_seconds=NEVER_SECONDS,
        on_change=lambda: None,
    )
    yield made
    made.drain(0)
    made.close()


def test_it_announces_how_much_its_model_takes(server: ReplyServer) -> None:
    said = server.announcement()
    assert (said.context_tokens, said.vocabulary) == (8192, 50_257)


def test_log_probabilities_are_kept_with_the_text(
    box: Mailbox, server: ReplyServer, valkey: Valkey
) -> None:
    settings = wire.SamplingParams(logprobs=2, max_new_tokens=3)
    request = replace(REQUEST, settings=settings)
    valkey.client.hset("mailbox:reply:a", "request", request.to_json())
    server.answer_next()
    finished = box.finished_reply("a")
    assert finished is not None
    told = read_lines(box.logprobs("a"))
    assert b"".join(one.token for one in told).decode() == finished.text
    assert {len(one.top) for one in told} == {2}
    assert read_lines(box.logprobs("a", len(told[0].to_line()))) == told[1:]


def test_log_probabilities_that_are_too_many_end_with_a_whole_line() -> None:
    delivery = Delivery(Claim("a", "token", 1, 0, ""))
    long = TokenLogprobs(b"x" * (LOGPROBS_MAX_BYTES // 3), -1.0)
    for count, kept in ((1, 1), (2, 2), (3, 2), (4, 2)):
        delivery.on_text("x", count, [long])
        assert len(read_lines(delivery.next_write().logprobs)) == kept
    delivery.on_text("x", 5, [TokenLogprobs(b"x", -1.0)])
    assert len(read_lines(delivery.next_write().logprobs)) == 2


def test_a_helper_job_leaves_its_row_and_its_thread_to_a_person(
    box: Mailbox, until: Callable[..., None]
) -> None:
    options: dict[str, Any] = {"owner": "ann", "share": "a", "cost": 9.0}
    options["model"] = "scripted"
    server = ReplyServer(
        ScriptedEngine(),
        box,
        "w",
        lease_seconds=60,
        flush_seconds=NEVER_SECONDS,
        on_change=lambda: None,
    )
    helper = wire.RequestKind.HELPER
    for name in ("h1", "h2"):
        box.enqueue(name, 1, request=REQUEST, kind=helper, **options)
    server.answer_next()
    said = server.announcement()
    assert (said.free, said.helpers) == (1, 1)
    assert box.waiting_by_kind("scripted") == (0, 1)
    turn = wire.Turn(wire.Role.USER, "hello")
    box.enqueue("p", 1, request=replace(REQUEST, turns=(turn,)), **options)
    server.answer_next()
    finished = box.finished_reply("p")
    assert finished is not None
    assert finished.outcome == wire.Outcome.DONE
    assert box.finished() == ["p"]
    server.drain(0)
    server.close()
    assert box.waiting_by_kind("scripted") == (0, 2)


@pytest.mark.parametrize(
    ("of_helper", "of_person"), [(2, 0), (0, 2)], ids=["helper job", "person"]
)
def test_a_helper_job_gives_up_its_worker_where_a_reply_has_to_run_alone(
    of_helper: int,
    of_person: int,
    box: Mailbox,
    valkey: Valkey,
    until: Callable[..., None],
) -> None:
    """One that lost workers before runs alone, but it makes no person wait."""
    options: dict[str, Any] = {"owner": "ann", "share": "a", "cost": 9.0}
    options["model"] = "scripted"
    server = ReplyServer(
        ScriptedEngine(rows=2),
        box,
        "w",
        lease_seconds=60,
        flush_seconds=NEVER_SECONDS,
        on_change=lambda: None,
    )
    helper = wire.RequestKind.HELPER
    box.enqueue("h", 1, request=REQUEST, kind=helper, losses=of_helper, **options)
    server.answer_next()
    assert server.announcement().free == 2
    turn = wire.Turn(wire.Role.USER, "hello")
    asked = replace(REQUEST, turns=(turn,))
    box.enqueue("p", 1, request=asked, losses=of_person, **options)
    server.answer_next()
    # The thread that the helper job left may have claimed it.
    until(lambda: box.finished() == ["p"])
    assert (ended := box.finished_reply("p")) and ended.outcome == wire.Outcome.DONE
    server.drain(0)
    server.close()
    assert box.waiting_by_kind("scripted") == (0, 1)
    assert valkey.client.hget("mailbox:reply:h", "losses") == str(of_helper)


def test_the_first_text_does_not_wait_for_the_next_flush(
    box: Mailbox, server: ReplyServer, until: Callable[..., None]
) -> None:
    box.remember("session", "ann")

    def text() -> str:
        seen = box.snapshot("session", "scripted", [("a", 0, 0)])
        assert seen is not None
        entry = seen.replies[0]
        return entry.text if isinstance(entry, RunningReply) else ""

    serving = threading.Thread(target=server.answer_next)
    serving.start()
    until(text)
    assert text().startswith("You")
    server.drain(0)
    serving.join()


def test_the_precision_of_the_model_is_announced_and_told_with_each_end(
    box: Mailbox, server: ReplyServer, valkey: Valkey
) -> None:
    server.engine.model_info = replace(server.engine.model_info, precision="int8")
    assert server.announcement().precision == "int8"
    assert ending_of("{}", box, server, valkey)["precision"] == "int8"


def ending_of(request: str, box: Mailbox, server: ReplyServer, valkey: Valkey) -> Any:
    """Details of the reply after this text was the request in Redis."""
    valkey.client.hset("mailbox:reply:a", "request", request)
    server.answer_next()
    finished = box.finished_reply("a")
    assert finished is not None
    assert finished.outcome == wire.Outcome.FAILED
    return finished.details


@pytest.mark.parametrize("settings", [[], 5, "text", {"stop": "END"}], ids=str)
def test_a_request_with_settings_of_a_wrong_type_is_refused_at_once(
    settings: object, box: Mailbox, server: ReplyServer, valkey: Valkey
) -> None:
    raw = {**json.loads(REQUEST.to_json()), "settings": settings}
    ending = ending_of(json.dumps(raw), box, server, valkey)
    assert ending["error"] == wire.ErrorCode.BAD_REQUEST


def test_any_error_while_a_request_is_read_ends_the_reply(
    box: Mailbox, server: ReplyServer, valkey: Valkey
) -> None:
    """Like too little memory, so deep a nesting is no error of a value."""
    ending = ending_of("[" * 100_000, box, server, valkey)
    assert ending["error"] == wire.ErrorCode.MODEL_ERROR
