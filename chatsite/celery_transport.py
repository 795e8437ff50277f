"""A Redis transport for kombu that ignores lost and malformed bells.

kombu 5.7.0 restores and acknowledges messages of a connection that broke. Both raise an
``AttributeError`` on the closed channel, which ends Celery's consumer for good, while
its threads go on and look healthy. Malformed messages in a queue do the same. A lost
bell does no harm, because the keeper rings again. So this transport ignores all of
these; ``worker.celery_consumer`` does the same for tasks.

A client that can push to a queue can ring a bell and do no more. The transport takes
only the id of a message and passes a bell of its own to Celery. So a message cannot ask
for anything else that Celery does: callbacks, a date to wait for, a body to unpack, a
reply.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import uuid
from functools import cached_property
from queue import Empty
from typing import Any

from kombu.transport.redis import Channel, QoS, Transport
from redis.exceptions import NoPermissionError

from chatsite import wire

log = logging.getLogger(__name__)

QUEUES = wire.queue_name("")
#: The id of a reply, and the number of its bell.
BELL_ID = re.compile(r"[0-9a-f-]{36}\.[0-9a-z.]{1,40}")
#: A body without arguments and without callbacks.
NOTHING = [[], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
BODY = base64.b64encode(json.dumps(NOTHING).encode()).decode()


class NotABell(Exception):
    """A message is not a bell. The exception contains nothing of the message."""


def bell_of(raw: Any, queue: str) -> dict[str, Any]:
    """Return a new bell with the id of a message. Raises ``NotABell``."""
    match raw:
        case {"headers": {"task": wire.GENERATE, "id": str(bell_id)}}:
            pass
        case _:
            raise NotABell
    if not BELL_ID.fullmatch(bell_id):
        raise NotABell
    return {
        "body": BODY,
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {
            "lang": "py",
            "task": wire.GENERATE,
            "id": bell_id,
            "ignore_result": True,
        },
        "properties": {
            "body_encoding": "base64",
            "delivery_info": {"exchange": "", "routing_key": queue},
            "delivery_tag": str(uuid.uuid4()),
        },
    }


class BellQoS(QoS):
    """Ignores messages of a closed channel."""

    def ack(self, delivery_tag: Any) -> None:
        """Acknowledge a message, unless the channel is closed."""
        if not self.channel.closed:
            super().ack(delivery_tag)

    def reject(self, delivery_tag: Any, requeue: bool = False) -> None:
        """Reject a message, unless the channel is closed."""
        if not self.channel.closed:
            super().reject(delivery_tag, requeue=requeue)

    def restore_unacked_once(self, *_: Any, **__: Any) -> None:
        """Restore nothing: the keeper rings again."""


class BellChannel(Channel):
    """Drops malformed messages, and replaces the others by new bells."""

    QoS = BellQoS
    connection: Any
    connection_errors: tuple[type[Exception], ...]

    def basic_consume(self, queue: str, *args: Any, **kwargs: Any) -> Any:
        """Consume a queue; the consumer gets only new bells."""
        consumer = super().basic_consume(queue, *args, **kwargs)
        if queue.startswith(QUEUES):
            callbacks = self.connection._callbacks
            deliver = callbacks[queue]
            callbacks[queue] = lambda raw: deliver(bell_of(raw, queue))
        return consumer

    @cached_property
    def _sender(self) -> Any:
        return super()._create_client()  # type: ignore[misc]  # untyped

    def _create_client(self, asynchronous: bool = False) -> Any:
        # kombu makes a client for each message, which costs more than the message.
        if asynchronous:
            return super()._create_client(asynchronous=True)  # type: ignore[misc]
        return self._sender

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]  # untyped
        except Exception as error:
            if isinstance(error, (*self.connection_errors, Empty)):
                raise
            if isinstance(error, NoPermissionError):
                log.critical(
                    "the user of REDIS_URL may not read the queue, so this worker ends:"
                    " give it the worker's rights of docker/redis.acl"
                )
                raise
            log.warning("dropped a malformed message: %s", type(error).__name__)
            return True


def install() -> None:
    """Let every Redis connection of this process use the transport."""
    Transport.Channel = BellChannel
