"""Lets a reply that waits until workers are idle join the line of people."""

from __future__ import annotations

import logging
from secrets import token_hex

from chat.models import Reply
from chat.tasks import ring
from chatsite.mailbox import MailboxAway, open_mailbox

log = logging.getLogger(__name__)


def run_now(reply: Reply) -> None:
    """Give a reply the place that it would have if it were asked for now.

    Harmless to repeat. A reply that is being written, or has ended, stays as it is; a
    held one joins the line at its turn. While Redis is away only the row changes, by
    which the keeper publishes it if Redis has lost the entry.
    """
    reply.run_now()
    try:
        if open_mailbox().run_now(str(reply.pk), _share(reply)):
            ring(reply.model, f"{reply.pk}.now.{token_hex(4)}")
    except MailboxAway as error:
        log.warning("reply %s stays in its line: %s", reply.pk, error)


def _share(reply: Reply) -> str:
    return reply.message.conversation.owner.share
