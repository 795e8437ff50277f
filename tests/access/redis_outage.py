"""Redis that fails at a chosen call of a request, and what the site holds afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

import pytest
import redis
from redis import exceptions

from chat.models import Conversation, Invitation, Message, Reply, Session, User
from chatsite.celery import app
from chatsite.mailbox import Mailbox

#: What Redis says, or the connection to it, when it cannot do what it is asked.
ERRORS = (
    exceptions.ConnectionError("gone"),
    exceptions.TimeoutError("slow"),
    exceptions.BusyLoadingError("loading"),
    exceptions.OutOfMemoryError("full"),
    exceptions.ReadOnlyError("a replica"),
    exceptions.NoPermissionError("not for you"),
    exceptions.ResponseError("MISCONF"),
)


class Failure(StrEnum):
    #: From one call on, each of them raises.
    AWAY = "away"
    #: All that Redis held is gone before one call.
    EMPTIED = "emptied"


class Outage:
    """Counts the calls to Redis, bells included, and has Redis fail at one of them."""

    def __init__(self, box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls, self._at, self._failure = 0, 0, Failure.AWAY
        self._box = box
        connection, guarded, ring = (
            box.connection,
            box.connection.call,
            app.send_task,
        )

        def call(act: Callable[[], Any]) -> Any:
            def counted() -> Any:
                self._count()
                return act()

            return guarded(counted)

        def counted_ring(*arguments: Any, **more: Any) -> Any:
            self._count()
            return ring(*arguments, **more)

        monkeypatch.setattr(connection, "call", call)
        monkeypatch.setattr(app, "send_task", counted_ring)

    @contextmanager
    def at(self, call: int, failure: Failure) -> Iterator[None]:
        """Within, the call of this number fails; none does where it is 0."""
        self.calls, self._at, self._failure = 0, call, failure
        try:
            yield
        finally:
            self._at = 0
            self._box.connection.forgive()

    def _count(self) -> None:
        self.calls += 1
        if not self._at or self.calls < self._at:
            return
        if self._failure is Failure.AWAY:
            raise ERRORS[self.calls % len(ERRORS)]
        if self.calls == self._at:
            self._box.connection.client.flushdb()


class Copy:
    """All that Redis holds at one moment, to be brought back as often as wanted."""

    def __init__(self, box: Mailbox) -> None:
        options = box.connection.client.connection_pool.connection_kwargs
        self._client = redis.Redis(unix_socket_path=options["path"])
        self._kept = {
            key: (max(self._client.pttl(key), 0), self._client.dump(key))
            for key in self._client.scan_iter()
        }

    def bring_back(self) -> None:
        pipe = self._client.pipeline()
        pipe.flushdb()
        for key, (milliseconds, value) in self._kept.items():
            pipe.restore(key, milliseconds, value)
        pipe.execute()


def contents() -> Counter[tuple[Any, ...]]:
    """What the database holds, but for ids, times and chance. A reply that is told to
    stop counts as stopped: when its worker hears of it differs."""
    found: list[tuple[Any, ...]] = [
        (Session, Session.objects.count()),
        (Invitation, Invitation.objects.count()),
    ]
    for message in Message.objects.select_related("parent", "conversation"):
        found.append((Message, message.text, _text(message.parent)))
        found.append((Message, message.text, message.conversation.title))
    for reply in Reply.objects.select_related("message__parent"):
        state = "stopped" if reply.stop_requested_at else reply.state
        found.append((Reply, _text(reply.message.parent), reply.message.text, state))
    for talk in Conversation.objects.select_related("active_leaf", "owner"):
        is_there, owner = talk.deleted_at is None, talk.owner.username
        leaf, chosen = _text(talk.active_leaf), repr(talk.settings)
        found.append((Conversation, talk.title, owner, is_there, leaf, chosen))
    for user in User.objects.all():
        is_open, chosen = user.closed_at is None, repr(user.settings)
        found.append((User, user.username, user.email, is_open, chosen))
    return Counter(found)


def _text(message: Message | None) -> str:
    return "" if message is None else message.text
