"""Bells may be lost, doubled or broken: what Celery does about them is tamed here.

kombu 5.7.0 still wants to give back and to acknowledge what came over a connection that
broke. Both end in an ``AttributeError`` on the closed channel that Celery takes for the
end: it stops listening for good, while its threads go on and look healthy. So does what
stands in a queue and is no message. A bell is worth nothing, the keeper rings again, so
here all of this is passed over; ``worker.consumer`` does the same for tasks.
"""

from __future__ import annotations

import logging
from queue import Empty
from typing import Any

from kombu.transport.redis import Channel, QoS, Transport

log = logging.getLogger(__name__)


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
    connection_errors: tuple[type[Exception], ...]

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]  # untyped
        except Exception as error:
            if isinstance(error, (*self.connection_errors, Empty)):
                raise
            log.warning("dropped what is no message: %s", type(error).__name__)
            return True


def install() -> None:
    """Have every Redis connection of this process use it."""
    Transport.Channel = BellChannel
