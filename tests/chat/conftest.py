"""The worker's part, played through the mailbox by the tests."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.test import Client

from chat.models import User
from chatsite import wire
from chatsite.mailbox import Claim, Mailbox


class Worker:
    """Does by hand what a worker process does."""

    def __init__(self, box: Mailbox) -> None:
        self._box = box

    def announce(self, stage: wire.Stage = wire.Stage.READY, free: int = 1) -> None:
        said = wire.Announcement("w", "scripted", "Scripted", stage, rows=1, free=free)
        self._box.announce(said)

    def claim(self, lease_seconds: float = 60) -> Claim:
        got = self._box.claim("scripted", "w", lease_seconds)
        assert got is not None, "nobody waits"
        return got

    def claim_if_any(self, lease_seconds: float = 60) -> Claim | None:
        return self._box.claim("scripted", "w", lease_seconds)

    def write(self, claim: Claim, text: str, offset: int = 0) -> str:
        write = (claim.reply, claim.token, offset, text, len(text.split()))
        return self._box.write([write], 60)[0].verdict

    def finish(
        self,
        claim: Claim,
        text: str,
        outcome: wire.Outcome = wire.Outcome.DONE,
        error: wire.ErrorCode = wire.ErrorCode.MODEL_ERROR,
        **said: Any,
    ) -> str:
        write = (claim.reply, claim.token, 0, text, len(text.split()))
        code = error if outcome == "failed" else None
        counts = {"prompt_tokens": 5, "new_tokens": 2}
        ending = wire.Ending(outcome, code, **{**counts, **said})
        return self._box.finish(write, ending).verdict

    def answer(self, text: str, **said: Any) -> Claim:
        claim = self.claim()
        self.finish(claim, text, **said)
        return claim


class Clock:
    """The time that limits go by, which stands still until a test turns it."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0  # 08:00 UTC

    def __call__(self) -> float:
        return self.now

    def turn(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    turned = Clock()
    monkeypatch.setattr("chat.services.limits.usage.clock", turned)
    return turned


@pytest.fixture
def committed(
    django_capture_on_commit_callbacks: Callable[..., AbstractContextManager[Any]],
) -> Callable[[], AbstractContextManager[Any]]:
    """What is done within happens as if its transaction were committed after it."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def tab(owner: User, client_of: Callable[[User], Client], box: Mailbox) -> Client:
    """A browser in which the owner is signed in."""
    return client_of(owner)


@pytest.fixture
def worker(box: Mailbox) -> Worker:
    return Worker(box)


@pytest.fixture
def sent(
    django_capture_on_commit_callbacks: Callable[..., object],
) -> Callable[..., object]:
    """Send a prompt and run what happens on commit."""
    from chat.services.messages import send_message

    counter = iter(range(1000))

    def send_now(owner, text="hello", conversation=None, key=None, **more):  # type: ignore[no-untyped-def]
        with django_capture_on_commit_callbacks(execute=True):
            return send_message(
                owner, text, key or f"key-{next(counter)}", conversation, **more
            )

    return send_now
