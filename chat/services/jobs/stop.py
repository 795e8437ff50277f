"""Stopping a reply: first the row, then the mailbox, then the collecting."""

from __future__ import annotations

import logging

from django.db import transaction

from chat.models import Message, Reply
from chat.services.jobs.collect import collect
from chat.services.jobs.publish import release_next
from chat.services.notify import notify_pages
from chat.services.optional_write import NotWritten, optional_write
from chatsite import wire
from chatsite.mailbox import MailboxAway, open_mailbox

log = logging.getLogger(__name__)


def stop_reply(reply: Reply) -> None:
    """Stop a reply wherever it is: held, in line or being written.

    The text so far is kept. While Redis is away the wish stands in the row, and the
    keeper carries it out. While another process holds the database, what the mailbox
    has of the reply is stopped at once, and the row learns of it when it is collected.
    """
    try:
        with optional_write():
            reply.ask_to_stop()
    except NotWritten:
        if _stop_in_mailbox(reply):
            return
        reply.ask_to_stop()
    if reply.state == wire.State.HELD and _take_back(reply):
        _tell(reply)
        return
    try:
        finish_stop(reply)
    except MailboxAway as error:
        log.warning("stop of %s waits for the queue: %s", reply.pk, error)


def _stop_in_mailbox(reply: Reply) -> bool:
    """False where only the row can tell: it is held, or Redis is away or empty."""
    if reply.state == wire.State.HELD:
        return False
    try:
        return open_mailbox().stop(str(reply.pk)) != "missing"
    except MailboxAway:
        return False


def batch_of(reply: Reply) -> list[Reply]:
    """The reply, and those that were asked for together with it."""
    if reply.batch is None:
        return [reply]
    replies = Reply.objects.with_path().filter(batch=reply.batch)
    return list(replies.filter(message__parent=reply.message.parent))


def _take_back(reply: Reply) -> bool:
    """End a held reply; those behind it follow what it followed, and do not pause."""
    prompt = reply.message.parent
    with transaction.atomic():
        reply.message.conversation.claim()
        if prompt is None or not reply.end(wire.State.STOPPED):
            return False
        prompt.refresh_from_db(fields=["parent"])
        Message.objects.filter(parent=reply.message).update(parent=prompt.parent_id)
    return True


def finish_stop(reply: Reply) -> None:
    """Bring a stop asked for into the mailbox. Raises ``MailboxAway``."""
    verdict = open_mailbox().stop(str(reply.pk))
    if verdict == "flagged":
        return
    collect(str(reply.pk))
    # Still waiting: the mailbox has nothing of it, or only an earlier attempt.
    reply.refresh_from_db(fields=["state", "attempt"])
    if not reply.is_terminal and reply.end(wire.State.STOPPED):
        _tell(reply)


def _tell(reply: Reply) -> None:
    conversation = reply.message.conversation
    release_next(conversation)
    notify_pages(conversation.owner_id)
