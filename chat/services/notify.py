"""Notifies the open pages of an owner that something changed."""

from __future__ import annotations

import logging
from uuid import UUID

from chatsite.mailbox import MailboxAway, open_mailbox

log = logging.getLogger(__name__)


def notify_pages(owner: UUID) -> None:
    """Let the owner's pages load changes at their next poll.

    If Redis cannot be reached they do so once it can.
    """
    try:
        open_mailbox().touch(str(owner))
    except MailboxAway:
        log.info("the pages of %s load this change once Redis is back", owner)
