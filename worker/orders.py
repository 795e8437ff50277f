"""What an operator orders a worker to do: drain, serve again, or end."""

from __future__ import annotations

import logging
from collections.abc import Callable

from chatsite import wire
from chatsite.mailbox.workers import AnnouncementAnswer
from worker.serving import ReplyServer

log = logging.getLogger(__name__)


class OrderFollower:
    """Obeys the answers to announcements: one a second, and one after each reply.

    The mailbox forgets orders when Redis is emptied. So no order means that nothing
    changes, and a worker that drains goes on draining.
    """

    def __init__(self, server: ReplyServer, leave: Callable[[], None]) -> None:
        """``leave`` ends the worker for good, once it writes no reply."""
        self._server = server
        self._leave = leave
        self._order: wire.WorkerOrder | None = None
        self._has_left = False

    def follow(self, answer: AnnouncementAnswer) -> None:
        """Do what the operator asks."""
        self._server.set_paused(answer.is_paused)
        if answer.order is not None and answer.order is not self._order:
            log.info("the operator says: %s", answer.order)
            self._order = answer.order
            self._server.set_resting(answer.order is not wire.WorkerOrder.SERVE)
        is_due = self._order is wire.WorkerOrder.END and self._server.is_idle()
        if is_due and not self._has_left:
            self._has_left = True
            self._leave()
