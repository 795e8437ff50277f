"""Ringing the bell: the only place of the web tier that talks to Celery."""

from __future__ import annotations

import logging

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from chatsite import wire
from chatsite.celery import app

log = logging.getLogger(__name__)


def ring(model: str, task_id: str) -> bool:
    """Wake one free row of a worker of ``model``.

    False if the broker is away; nothing is lost then, the keeper rings again.
    """
    try:
        app.send_task(
            wire.GENERATE,
            task_id=task_id,
            queue=wire.queue_name(model),
            retry=False,
            ignore_result=True,
        )
    except (OperationalError, RedisError, OSError) as error:
        log.warning("no bell for %s: %s", task_id, type(error).__name__)
        return False
    return True
