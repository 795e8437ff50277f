"""Short calls of the mailbox, for several test files."""

from __future__ import annotations

from chatsite import wire
from chatsite.mailbox import (
    Claim,
    Mailbox,
)

REQUEST = wire.Request((wire.Turn(wire.Role.USER, "hi"),), wire.SamplingParams(), 60)


DONE = wire.Ending(wire.Outcome.DONE, prompt_tokens=3, new_tokens=2)


def enqueue(box: Mailbox, reply: str, owner: str = "ann", **more: object) -> bool:
    said = {"share": owner, "cost": 100.0, "attempt": 1, **more}
    attempt = said.pop("attempt")
    return box.enqueue(reply, attempt, owner=owner, model="m", request=REQUEST, **said)  # type: ignore[arg-type]


def claim(box: Mailbox, lease_seconds: float = 60) -> Claim:
    got = box.claim("m", "worker", lease_seconds)
    assert got is not None
    return got


def look(box: Mailbox, reply: str, owner: str = "ann", run: int = 0, offset: int = 0):  # type: ignore[no-untyped-def]
    box.remember("session", owner)
    seen = box.snapshot("session", "m", [(reply, run, offset)])
    assert seen is not None
    return seen.replies[0]
