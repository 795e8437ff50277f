"""Claims replies from the line for one worker, helper jobs only where nobody waits."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock

from chatsite.mailbox import HelpersInTheWay, Mailbox, MailboxAway
from worker.delivery import Delivery
from worker.engine.interface import Engine
from worker.live_replies import LiveReplies

log = logging.getLogger(__name__)


class Claiming:
    """Claims the first reply in line. Any thread may call ``next``."""

    def __init__(
        self,
        engine: Engine,
        box: Mailbox,
        name: str,
        live: LiveReplies,
        *,
        lease_seconds: float,
        is_shut: Callable[[], bool],
        on_first_text: Callable[[], None],
    ) -> None:
        """``is_shut``: whether the worker claims nothing now."""
        self._engine = engine
        self._box = box
        self._name = name
        self._live = live
        self._lease_seconds = lease_seconds
        self._is_shut = is_shut
        self._on_first_text = on_first_text
        self._lock = Lock()

    def next(self) -> Delivery | None:
        """Claim the first reply in line; helper jobs that are in its way are given up.

        A helper job that has to run alone holds no worker while people wait.
        """
        while True:
            # One claim at a time: whether another is allowed depends on the one before.
            with self._lock:
                try:
                    return self._claim()
                except MailboxAway as error:
                    log.warning("no claim: %s", error)
                    return None
                except HelpersInTheWay:
                    helpers = self._live.helpers()
                    for helper in helpers:
                        helper.give_way()
            for helper in helpers:
                helper.left.wait()

    def _claim(self) -> Delivery | None:
        """Raises ``HelpersInTheWay`` and ``MailboxAway``."""
        model = self._engine.model_info.model
        people, helpers = self._live.counts()
        if people >= self._engine.rows or self._is_shut():
            return None
        if self._live.is_exclusive():
            if helpers and self._box.waiting_by_kind(model)[0]:
                raise HelpersInTheWay
            return None
        claim = self._box.claim(
            model,
            self._name,
            self._lease_seconds,
            live=people + helpers,
            helpers=helpers,
            takes_helpers=people + helpers < self._engine.rows,
        )
        if claim is None:
            return None
        delivery = Delivery(claim, on_first_text=self._on_first_text)
        self._live.add(delivery)
        return delivery
