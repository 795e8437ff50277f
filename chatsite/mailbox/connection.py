"""The connection to Redis: bounded in time, and quick to fail while it is away."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from chatsite.redis_url import parse

#: After a failure, calls are refused at once for this long instead of each
#: waiting for a time-out of its own.
PAUSE_SECONDS = 1.0
CONNECT_SECONDS = 0.5
ANSWER_SECONDS = 1.0

Answer = TypeVar("Answer")


class MailboxAway(Exception):
    """Redis did not answer. Nothing is lost: the database row is the outbox."""


class Connection:
    """Runs the scripts of this package against one Redis server."""

    def __init__(self, url: str) -> None:
        self.client: Any = redis.Redis(
            decode_responses=True,
            encoding_errors="replace",
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
            **parse(url, settings.REDIS_CA_FILE).client_options(),
        )
        self._away_until = 0.0

    def run(self, name: str, *arguments: str | float) -> Any:
        """Run one script. Raises ``MailboxAway``."""
        return self.guarded(lambda: self.script(name)(args=arguments))

    def run_all(
        self, name: str, calls: Sequence[Sequence[str | int | float]]
    ) -> list[Any]:
        """Run one script many times in one trip. Raises ``MailboxAway``."""

        def send() -> list[Any]:
            pipe = self.client.pipeline(transaction=False)
            script = self.script(name)
            for arguments in calls:
                script(args=arguments, client=pipe)
            return list(pipe.execute())

        return self.guarded(send)

    def command(self, *words: str | float) -> Any:
        """Run one command of Redis. Raises ``MailboxAway``."""
        return self.guarded(lambda: self.client.execute_command(*words))

    def asked(self, *words: str) -> bool:
        """Run one command that this user may be refused; whether it was not. Raises
        ``MailboxAway``."""

        def send() -> bool:
            try:
                self.client.execute_command(*words)
            except redis.ResponseError:
                return False
            return True

        return self.guarded(send)

    def commands(self, *commands: Sequence[str | int | float]) -> list[Any]:
        """Run several commands as one transaction. Raises ``MailboxAway``."""

        def send() -> list[Any]:
            pipe = self.client.pipeline()
            for words in commands:
                pipe.execute_command(*words)
            return list(pipe.execute())

        return self.guarded(send)

    def script(self, name: str) -> Any:
        return self.client.register_script(_source(name))

    def forgive(self) -> None:
        """Forget that Redis was away: the next call tries it again at once."""
        self._away_until = 0.0

    def guarded(self, call: Callable[[], Answer]) -> Answer:
        """Whatever Redis raises becomes ``MailboxAway``; then a short pause, after
        which one call tries it again while the others are still refused."""
        now = time.monotonic()
        if now < self._away_until:
            raise MailboxAway("Redis was away a moment ago")
        if self._away_until:
            self._away_until = now + PAUSE_SECONDS
        try:
            answer = call()
        except redis.RedisError as error:
            self._away_until = time.monotonic() + PAUSE_SECONDS
            raise MailboxAway(_told(error)) from error
        self._away_until = 0.0
        return answer


def _told(error: redis.RedisError) -> str:
    """Of an answer only its kind: a pipeline's error repeats the whole command."""
    if isinstance(error, redis.ConnectionError | redis.TimeoutError):
        return f"{type(error).__name__}: {error}"
    return type(error).__name__


@cache
def _source(name: str) -> str:
    scripts = files("chatsite.mailbox") / "scripts"
    prelude = (scripts / "prelude.lua").read_text(encoding="utf-8")
    return prelude + (scripts / f"{name}.lua").read_text(encoding="utf-8")
