"""Serving with a real mailbox and a real (scripted) engine."""

from __future__ import annotations

import threading
from collections.abc import Callable

from chatsite import wire
from chatsite.mailbox import Mailbox, RunningReply
from worker.engine.scripted import ScriptedEngine
from worker.serving import ReplyServer

PROMPT = "[hang] after half of the words"
NEVER_SECONDS = 3600


def test_the_first_text_does_not_wait_for_the_next_flush(
    box: Mailbox, until: Callable[..., None]
) -> None:
    turns = (wire.Turn(wire.Role.USER, PROMPT),)
    request = wire.Request(turns, wire.SamplingParams(), 60)
    options = {"owner": "ann", "share": "ann", "cost": 100.0, "model": "scripted"}
    box.enqueue("a", 1, request=request, **options)  # type: ignore[arg-type]
    box.remember("session", "ann")

    def text() -> str:
        seen = box.snapshot("session", "scripted", [("a", 0, 0)])
        assert seen is not None
        entry = seen.replies[0]
        return entry.text if isinstance(entry, RunningReply) else ""

    engine = ScriptedEngine()
    server = ReplyServer(
        engine,
        box,
        "w",
        lease_seconds=60,
        flush_seconds=NEVER_SECONDS,
        on_change=lambda: None,
    )
    serving = threading.Thread(target=server.answer_next)
    serving.start()
    until(text)
    assert text().startswith("You")
    server.drain(0)
    serving.join()
    server.close()
