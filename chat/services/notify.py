"""Telling the other pages of an owner that something changed."""

from __future__ import annotations

import logging
from uuid import UUID

from chatsite.mailbox import MailboxAway, open_mailbox

log = logging.getLogger(__name__)


def notify_pages(owner: UUID) -> None:
    """They look again at their next poll; while the queue is away, once it is back."""
    try:
        open_mailbox().touch(str(owner))
    except MailboxAway:
        log.info("no page of %s hears of this until the queue is back", owner)
