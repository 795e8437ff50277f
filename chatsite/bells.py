"""Bells that may be lost: what Celery does with messages of a broken connection.

kombu 5.7.0 still wants to give them back and to acknowledge them when Redis is gone.
Both end in an ``AttributeError`` on the closed channel that Celery takes for the end:
it stops listening for good, while its threads go on and look healthy. A bell is worth
nothing, the keeper rings again, so here both do nothing.
"""

from __future__ import annotations

from typing import Any

from kombu.transport.redis import Channel, QoS


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


def install() -> None:
    """Have every Redis channel of this process use it."""
    Channel.QoS = BellQoS
