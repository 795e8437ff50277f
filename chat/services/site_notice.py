"""The sentence that operators show on every page. The row decides."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime

from django.db import DatabaseError
from django.utils import timezone

from chat.models import SiteNotice
from chatsite.mailbox import MailboxAway, open_mailbox
from chatsite.mailbox.notice import Notice

log = logging.getLogger(__name__)


def set_notice(text: str, until: datetime | None = None) -> None:
    """Show a sentence on every page, until a time if one is given; empty for none."""
    if text:
        fields = {"text": text, "until": until}
        SiteNotice.objects.update_or_create(pk=SiteNotice.ONLY_ID, defaults=fields)
    else:
        SiteNotice.objects.all().delete()
    log.info("an operator sets the notice" if text else "an operator clears the notice")
    try:
        repeat_notice()
    except MailboxAway:
        log.warning("the queue is away: open pages learn of the notice later")


def repeat_notice() -> None:
    """Tell the mailbox what the row says. Raises ``MailboxAway``."""
    open_mailbox().set_notice(_from_database())


def current_notice() -> Notice | None:
    """Return the sentence that pages show now; no SQL runs while Redis answers.

    None if neither Redis nor the database answers: pages of errors show it, too.
    """
    try:
        return open_mailbox().notice()
    except MailboxAway:
        with suppress(DatabaseError):
            return _from_database()
        return None


def _from_database() -> Notice | None:
    row = SiteNotice.objects.current(timezone.now())
    if row is None:
        return None
    return Notice(row.text, row.until.timestamp() if row.until else None)
