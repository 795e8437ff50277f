"""Rings bells: the only module of the web tier that uses Celery."""

from __future__ import annotations

import logging

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from chatsite import wire
from chatsite.celery import app

log = logging.getLogger(__name__)


def ring(model: str, task_id: str) -> bool:
    """Send the Celery task that wakes one free row of a worker of ``model``.

    Returns False if the broker cannot be reached; then the keeper rings again.
    """
    try:
        app.send_task(
            wire.GENERATE,
            task_id=task_id,
            queue=wire.queue_name(model),
            declare=(),  # a queue of Redis begins with its first message
            retry=False,
            ignore_result=True,
        )
    except (OperationalError, RedisError, OSError) as error:
        log.warning("no bell for %s: %s", task_id, type(error).__name__)
        return False
    return True
