"""Bells may be lost, doubled or broken: what Celery does about them is tamed here.

kombu 5.7.0 still wants to give back and to acknowledge what came over a connection that
broke. Both end in an ``AttributeError`` on the closed channel that Celery takes for the
end: it stops listening for good, while its threads go on and look healthy. So does what
stands in a queue and is no message. A bell is worth nothing, the keeper rings again, so
here all of this is passed over; ``worker.celery_consumer`` does the same for tasks.

Whoever can push to a queue can ring and no more: of a message only its id is taken, and
what Celery gets to see is a bell made here. Nothing that Celery would do for a message
(call others when it is done, wait until a date, unpack a body, answer somebody) can be
asked for.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import uuid
from queue import Empty
from typing import Any

from kombu.transport.redis import Channel, QoS, Transport
from redis.exceptions import NoPermissionError

from chatsite import wire

log = logging.getLogger(__name__)

QUEUES = wire.queue_name("")
#: The reply, and which of its bells.
BELL_ID = re.compile(r"[0-9a-f-]{36}\.[0-9a-z.]{1,40}")
#: No arguments; nobody to call when it succeeds, fails or is one of several.
NOTHING = [[], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
BODY = base64.b64encode(json.dumps(NOTHING).encode()).decode()


class NoBell(Exception):
    """What came is none. Says nothing of what it was instead."""


def bell_of(raw: Any, queue: str) -> dict[str, Any]:
    """A bell as we make it, in the place of a message as it came. Raises ``NoBell``."""
    match raw:
        case {"headers": {"task": wire.GENERATE, "id": str(bell_id)}}:
            pass
        case _:
            raise NoBell
    if not BELL_ID.fullmatch(bell_id):
        raise NoBell
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
    """Keeps quiet about messages of a channel that is closed."""

    def ack(self, delivery_tag: Any) -> None:
        if not self.channel.closed:
            super().ack(delivery_tag)

    def reject(self, delivery_tag: Any, requeue: bool = False) -> None:
        if not self.channel.closed:
            super().reject(delivery_tag, requeue=requeue)

    def restore_unacked_once(self, *_: Any, **__: Any) -> None:
        pass


class BellChannel(Channel):
    """Drops what stands in a queue and is no message."""

    QoS = BellQoS
    connection: Any
    connection_errors: tuple[type[Exception], ...]

    def basic_consume(self, queue: str, *args: Any, **kwargs: Any) -> Any:
        consumer = super().basic_consume(queue, *args, **kwargs)
        if queue.startswith(QUEUES):
            callbacks = self.connection._callbacks
            deliver = callbacks[queue]
            callbacks[queue] = lambda raw: deliver(bell_of(raw, queue))
        return consumer

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]  # untyped
        except Exception as error:
            if isinstance(error, (*self.connection_errors, Empty)):
                raise
            if isinstance(error, NoPermissionError):
                log.critical(
                    "the user of REDIS_URL may take no bells, so this worker ends: give"
                    " it the worker's rights of docker/redis.acl"
                )
                raise
            log.warning("dropped what is no message: %s", type(error).__name__)
            return True


def install() -> None:
    """Have every Redis connection of this process use it."""
    Transport.Channel = BellChannel
