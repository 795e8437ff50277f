"""What Celery listens with, made to outlive strange messages and a broker's absence."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from celery.worker.consumer import Consumer

log = logging.getLogger(__name__)


class BellConsumer(Consumer):
    """Drops a message that is no task, instead of ending at it for good.

    It hears bells only: no other worker's events, and no commands.
    """

    connection_errors: tuple[type[Exception], ...]
    hub: Any

    def __init__(self, *args: Any, **options: Any) -> None:
        said = options.pop("worker_options", None) or {}
        options["worker_options"] = {
            **said,
            "without_gossip": True,
            "without_mingle": True,
        }
        super().__init__(*args, **options)

    def create_task_handler(self, *args: Any, **options: Any) -> Callable[..., Any]:
        handle = super().create_task_handler(*args, **options)

        def on_task_received(message: Any) -> Any:
            try:
                return handle(message)
            except self.connection_errors:
                raise
            except Exception as error:
                log.warning("dropped what is no task: %s", type(error).__name__)
                message.reject_log_error(log, self.connection_errors)

        return on_task_received

    def ensure_connected(self, conn: Any) -> Any:
        """Try for a broker that is away after 0.2 s, then ever later up to 3 s.

        Celery's own pauses grow from 2 s to half a minute, and everybody waits.
        """
        conn.ensure_connection = partial(
            conn.ensure_connection,
            interval_start=0.2,
            interval_step=0.4,
            interval_max=3,
        )
        return super().ensure_connected(conn)

    def listen_anew(self) -> None:
        """Drop the connection to the broker and make another; from any thread."""
        if self.hub is not None:
            self.hub.call_soon(self._lose_connection)

    @staticmethod
    def _lose_connection() -> None:
        raise ConnectionError("told to listen anew")
