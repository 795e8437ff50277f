"""The connection to Redis: bounded in time, and quick to fail while Redis is away."""

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

#: For so long after a failure all calls fail at once. Otherwise each would wait for
#: its own time-out.
PAUSE_SECONDS = 1.0
CONNECT_SECONDS = 0.5
ANSWER_SECONDS = 1.0

Answer = TypeVar("Answer")


class MailboxAway(Exception):
    """Redis did not answer. No reply is lost: its database row is the outbox."""


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
        self._scripts: dict[str, Any] = {}

    def run(self, name: str, *arguments: str | float) -> Any:
        """Run one script. Raises ``MailboxAway``."""
        return self.call(lambda: self._run(self.script(name), arguments))

    def run_all(
        self, name: str, calls: Sequence[Sequence[str | int | float]]
    ) -> list[Any]:
        """Run one script many times in one round trip. Raises ``MailboxAway``."""
        if len(calls) == 1:  # a pipeline asks first whether Redis has the script
            return [self.run(name, *calls[0])]

        def send() -> list[Any]:
            pipe = self.client.pipeline(transaction=False)
            script = self.script(name)
            for arguments in calls:
                script(args=arguments, client=pipe)
            return list(pipe.execute())

        return self.call(send)

    def command(self, *words: str | float) -> Any:
        """Run one command of Redis. Raises ``MailboxAway``."""
        return self.call(lambda: self.client.execute_command(*words))

    def try_command(self, *words: str) -> bool:
        """Run one command; False if Redis refuses it. Raises ``MailboxAway``."""

        def send() -> bool:
            try:
                self.client.execute_command(*words)
            except redis.ResponseError:
                return False
            return True

        return self.call(send)

    def commands(self, *commands: Sequence[str | int | float]) -> list[Any]:
        """Run several commands as one transaction. Raises ``MailboxAway``."""

        def send() -> list[Any]:
            pipe = self.client.pipeline()
            for words in commands:
                pipe.execute_command(*words)
            return list(pipe.execute())

        return self.call(send)

    def _run(self, script: Any, arguments: Sequence[str | float]) -> Any:
        """Run a script without what redis-py does around each command.

        Retries are off and metrics are not used, but they took half of a trip's time.
        """
        pool = self.client.connection_pool
        connection = pool.get_connection()
        try:
            connection.send_command("EVALSHA", script.sha, 0, *arguments)
            return connection.read_response()  # disconnects if it fails
        except redis.exceptions.NoScriptError:
            return script(args=arguments)
        finally:
            pool.release(connection)

    def script(self, name: str) -> Any:
        """Return the Lua script of that name in the folder ``scripts``."""
        if name not in self._scripts:
            self._scripts[name] = self.client.register_script(_source(name))
        return self._scripts[name]

    def forgive(self) -> None:
        """Forget the last failure, so that the next call tries Redis at once."""
        self._away_until = 0.0

    def call(self, send: Callable[[], Answer]) -> Answer:
        """Return the result of ``send``. Every error of Redis becomes ``MailboxAway``.

        After an error calls fail at once for ``PAUSE_SECONDS``. Then one call tries
        Redis again, while the others still fail.
        """
        now = time.monotonic()
        if now < self._away_until:
            raise MailboxAway("Redis was away a moment ago")
        if self._away_until:
            self._away_until = now + PAUSE_SECONDS
        try:
            answer = send()
        except redis.RedisError as error:
            self._away_until = time.monotonic() + PAUSE_SECONDS
            raise MailboxAway(_description(error)) from error
        self._away_until = 0.0
        return answer


class MailboxCalls:
    """A part of the calls of the mailbox, on one Redis server."""

    def __init__(self, url: str) -> None:
        self.connection = Connection(url)


def key_of(kind: str, name: str) -> str:
    """Return a key of Redis, such as ``mailbox:line:gpt2``."""
    return f"mailbox:{kind}:{name}"


def logprobs_key(reply: str) -> str:
    """Return the key of the log probabilities of a reply, beside that of its text."""
    return key_of("text", f"{reply}:logprobs")


def paused_key(model: str) -> str:
    """Return the key that exists while a model is paused."""
    return key_of("workers", f"{model}:paused")


def _description(error: redis.RedisError) -> str:
    """Describe an error. The message of an answer might repeat a whole command."""
    if isinstance(error, redis.ConnectionError | redis.TimeoutError):
        return f"{type(error).__name__}: {error}"
    return type(error).__name__


@cache
def _source(name: str) -> str:
    scripts = files("chatsite.mailbox") / "scripts"
    prelude = (scripts / "prelude.lua").read_text(encoding="utf-8")
    return prelude + (scripts / f"{name}.lua").read_text(encoding="utf-8")
