"""Runs the keeper: a loop that sweeps once a second until a signal ends it."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable
from threading import Event
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections

from chat.api.openai.batches.reader import FileReader
from chat.api.openai.batches.runner import run_batches
from chat.keeper import Keeper
from chat.services.imports.runner import ImportRunner
from chat.services.notifications.sender import NoticeSender
from chat.services.webhooks.sender import WebhookSender
from chatsite.logs import error_type
from chatsite.mailbox import MailboxAway

log = logging.getLogger(__name__)

#: While Redis or the database is away, a warning is logged once in this many sweeps.
QUIET_SWEEPS = 60


class Command(BaseCommand):
    """Runs until SIGTERM or SIGINT."""

    help = (
        "Run the keeper: collect ended replies, publish forgotten ones, call webhooks."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Sweep every ``SWEEP_SECONDS``."""
        end = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: end.set())
        log.info("keeper sweeps every %g s", settings.SWEEP_SECONDS)
        keeper = Keeper(more=_more())
        senders = (WebhookSender(), NoticeSender())
        for sender in senders:
            sender.start()
        failures = 0
        while not end.is_set():
            failures = 0 if _sweep(keeper, failures) else failures + 1
            end.wait(settings.SWEEP_SECONDS)
        for sender in senders:
            sender.stop()
        log.info("keeper ends")


def _more() -> Callable[[], None]:
    """What a sweep does last."""
    reader, imports = FileReader(), ImportRunner()

    def more() -> None:
        run_batches(reader)
        imports.run()

    return more


def _sweep(keeper: Keeper, failures: int) -> bool:
    """Sweep once; False if it failed, such as while Redis or the database is away."""
    try:
        keeper.sweep()
    except (MailboxAway, DatabaseError) as error:
        if failures % QUIET_SWEEPS == 0:
            is_safe = isinstance(error, MailboxAway)
            log.warning("sweep put off: %s", error if is_safe else error_type(error))
        return False
    except Exception:
        log.exception("sweep failed")
        return False
    finally:
        close_old_connections()
    if failures:
        log.info("sweeping again after %d put off", failures)
    return True
