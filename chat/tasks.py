"""Rings bells: the only module of the web tier that knows of Celery."""

from __future__ import annotations

import logging

from chatsite.mailbox import MailboxAway, open_mailbox

log = logging.getLogger(__name__)


def ring(model: str, task_id: str) -> bool:
    """Send the Celery task that wakes one free row of a worker of ``model``.

    Returns False if the broker cannot be reached; then the keeper rings again.
    """
    try:
        open_mailbox().ring(model, task_id)
    except MailboxAway as error:
        log.warning("no bell for %s: %s", task_id, error)
        return False
    return True
