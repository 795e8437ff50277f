"""Stops replies: first the row, then the mailbox entry, then collects the end."""

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


def stop_reply(reply: Reply, *, is_given_up: bool = False) -> None:
    """Stop a reply that is held, queued or being written.

    The text so far is kept. While Redis is away the row keeps the request, and the
    keeper completes it. While another process locks the database the mailbox entry is
    stopped immediately, and the row follows when the reply is collected.
    ``is_given_up``: its callers are gone; a call that is repeated gets another reply.
    """
    try:
        with optional_write():
            reply.ask_to_stop(is_given_up=is_given_up)
    except NotWritten:
        if _stop_in_mailbox(reply) and not is_given_up:
            return
        reply.ask_to_stop(is_given_up=is_given_up)
    if reply.state == wire.State.HELD and _stop_held(reply):
        _release_and_notify(reply)
        return
    try:
        finish_stop(reply)
    except MailboxAway as error:
        log.warning("stop of %s waits for the queue: %s", reply.pk, error)


def _stop_in_mailbox(reply: Reply) -> bool:
    """Stop the entry; False if there is none or Redis is away."""
    if reply.state == wire.State.HELD:
        return False
    try:
        return open_mailbox().stop(str(reply.pk)) != "missing"
    except MailboxAway:
        return False


def batch_of(reply: Reply) -> list[Reply]:
    """The reply and those that were requested together with it."""
    if reply.batch is None:
        return [reply]
    replies = Reply.objects.with_path().filter(batch=reply.batch)
    return list(replies.filter(message__parent=reply.message.parent))


def _stop_held(reply: Reply) -> bool:
    """End a held reply; the messages after it follow the one before it."""
    prompt = reply.message.parent
    with transaction.atomic():
        reply.message.conversation.claim()
        if prompt is None or not reply.end(wire.State.STOPPED):
            return False
        prompt.refresh_from_db(fields=["parent"])
        Message.objects.filter(parent=reply.message).update(parent=prompt.parent_id)
    return True


def finish_stop(reply: Reply) -> None:
    """Stop the mailbox entry and collect it. Raises ``MailboxAway``."""
    verdict = open_mailbox().stop(str(reply.pk))
    if verdict == "flagged":
        return
    collect(str(reply.pk))
    # Still queued: the mailbox has no entry, or only that of an earlier attempt.
    reply.refresh_from_db(fields=["state", "attempt"])
    if not reply.is_terminal and reply.end(wire.State.STOPPED):
        _release_and_notify(reply)


def _release_and_notify(reply: Reply) -> None:
    conversation = reply.message.conversation
    release_next(conversation)
    notify_pages(conversation.owner_id)
