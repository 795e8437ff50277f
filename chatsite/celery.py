"""The Celery app, whose only task is a doorbell.

Celery's fix-up for Django is off: a worker has no database and no ORM, and must not
import the web tier.
"""

from __future__ import annotations

from typing import Any

from celery import Celery
from django.conf import settings

from chatsite import celery_transport, startup
from chatsite.redis_url import parse

startup.begin()


def _configuration() -> dict[str, Any]:
    """Return Celery's settings, which docs/architecture.md explains under "Celery"."""
    redis = parse(settings.REDIS_URL, settings.REDIS_CA_FILE)
    return {
        "broker_url": redis.broker_url(),
        "broker_use_ssl": dict(redis.tls) or None,
        "broker_transport_options": {
            "global_keyprefix": "chat:",
            "visibility_timeout": 2 * settings.REPLY_MAX_SECONDS + 3600,
            "socket_timeout": 5,
            "socket_connect_timeout": 2,
            "socket_keepalive": not redis.path,
            "health_check_interval": 10,
            "max_retries": 1,
            "interval_start": 0,
            "interval_step": 0.1,
            "interval_max": 0.2,
        },
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "result_backend": None,
        "task_ignore_result": True,
        "task_serializer": "json",
        "accept_content": ["json"],
        # Otherwise anyone who reaches the broker could end workers, or control them.
        "worker_enable_remote_control": False,
        "task_acks_late": True,
        "task_publish_retry": False,
        "worker_prefetch_multiplier": 1,
        "worker_pool": "threads",
        "worker_consumer": "worker.celery_consumer:BellConsumer",
        "worker_concurrency": settings.WORKER_SLOTS,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_hijack_root_logger": False,
        "worker_send_task_events": False,
        "imports": ["worker.tasks"],
    }


celery_transport.install()
app = Celery("chatsite", fixups=[])
app.config_from_object(_configuration())
