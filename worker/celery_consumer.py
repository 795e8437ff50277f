"""The Celery consumer: survives malformed messages and a broker that is away."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from celery.worker.consumer import Consumer

log = logging.getLogger(__name__)


class BellConsumer(Consumer):
    """Rejects a message that is not a task; a stock consumer would stop consuming.

    It receives bells only: no events of other workers, and no remote control commands.
    It sends no events either: no program reads them, and the mailbox has a heartbeat.
    """

    connection_errors: tuple[type[Exception], ...]
    hub: Any

    def __init__(self, *args: Any, **options: Any) -> None:
        """Turn off gossip, mingle and Celery's heartbeat, which send events."""
        given = options.pop("worker_options", None) or {}
        options["worker_options"] = {
            **given,
            "without_gossip": True,
            "without_heartbeat": True,
            "without_mingle": True,
        }
        super().__init__(*args, **options)

    def create_task_handler(self, *args: Any, **options: Any) -> Callable[..., Any]:
        """Wrap Celery's handler so that it rejects what it cannot decode."""
        handle = super().create_task_handler(*args, **options)

        def on_task_received(message: Any) -> Any:
            try:
                return handle(message)
            except self.connection_errors:
                raise
            except Exception as error:
                log.warning(
                    "rejected a message that is not a task: %s", type(error).__name__
                )
                message.reject_log_error(log, self.connection_errors)

        return on_task_received

    def ensure_connected(self, conn: Any) -> Any:
        """Retry a broker that is away after 0.2 s, then at intervals up to 3 s.

        Celery's own intervals grow from 2 to 30 s, for which every reply would wait.
        """
        conn.ensure_connection = partial(
            conn.ensure_connection,
            interval_start=0.2,
            interval_step=0.4,
            interval_max=3,
        )
        return super().ensure_connected(conn)

    def reconnect(self) -> None:
        """Drop the connection to the broker and open another. Thread-safe."""
        if self.hub is not None:
            self.hub.call_soon(self._lose_connection)

    @staticmethod
    def _lose_connection() -> None:
        raise ConnectionError("the watchdog asked for a new connection")
