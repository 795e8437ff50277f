"""Publishes a reply: its mailbox entry, its place in the queue, and one bell."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from uuid import UUID

from chat.models import Conversation, Reply
from chat.services.jobs.request import cost_of, request_for
from chat.services.optional_write import NotWritten, optional_write
from chat.tasks import ring
from chatsite import wire
from chatsite.mailbox import MailboxAway, open_mailbox

log = logging.getLogger(__name__)


def publish(reply: Reply) -> bool:
    """Publish a row to the mailbox if it is queued, and notify its owner's pages.

    May be repeated. Returns False if Redis cannot be reached: the row stays, and the
    keeper publishes it later.
    """
    with reply.logged():
        return _publish(reply)


def _publish(reply: Reply) -> bool:
    conversation = reply.message.conversation
    try:
        if reply.state != wire.State.QUEUED:
            open_mailbox().touch(str(conversation.owner_id))
        elif _enqueue(reply, conversation):
            log.info("reply %s published, attempt %d", reply.pk, reply.attempt)
            _ring_if_still_wanted(reply)
    except MailboxAway as error:
        log.warning("reply %s waits for the queue: %s", reply.pk, error)
        return False
    return True


def publish_queued(replies: Sequence[Reply]) -> None:
    """Publish those of the replies that are queued."""
    for reply in replies:
        if reply.state == wire.State.QUEUED:
            publish(reply)


def _ring_if_still_wanted(reply: Reply) -> None:
    """Ring the bell, or complete a stop that came before the entry existed.

    A row that was published again in the meantime still gets its bell: its newer entry
    replaces this one.
    """
    if Reply.objects.is_wanted(reply.pk):
        ring(reply.model, wire.task_id(str(reply.pk), reply.attempt))
    else:
        open_mailbox().stop(str(reply.pk))


def _enqueue(reply: Reply, conversation: Conversation) -> bool:
    request, kind = request_for(reply), _kind(reply)
    share = conversation.owner.share
    if kind is wire.RequestKind.HELPER:
        share = f"{share}:helper"  # an owner's own messages do not pay for these
    return open_mailbox().enqueue(
        str(reply.pk),
        reply.attempt,
        owner=str(conversation.owner_id),
        share=share,
        model=reply.model,
        request=request,
        cost=cost_of(request),
        losses=reply.losses,
        kind=kind,
        is_hidden=not conversation.has_page,
    )


def _kind(reply: Reply) -> wire.RequestKind:
    return wire.RequestKind.HELPER if reply.is_helper else wire.RequestKind.REPLY


def hand_over(owner: UUID, replies: Sequence[UUID]) -> None:
    """Change the owner of mailbox entries, as their rows did; may be repeated.

    Raises ``MailboxAway``.
    """
    entries = [str(pk) for pk in replies]
    open_mailbox().hand_over(entries, str(owner), str(owner))


def release_next(*conversations: Conversation) -> None:
    """Release the held replies that may start, each in its own transaction.

    While another process locks the database they stay held, and the keeper releases
    them.
    """
    # Most often there are none, and one query says so of all conversations.
    waiting = Reply.objects.conversations_with_held([one.pk for one in conversations])
    for conversation in waiting:
        _release_in(conversation)


def _release_in(conversation: UUID) -> None:
    held = Reply.objects.held().filter(message__conversation=conversation)
    for reply in held.with_path().order_by("message__created_at"):
        if reply.can_start() and _release(reply):
            publish(reply)


def _release(reply: Reply) -> bool:
    try:
        with optional_write():
            return reply.release()
    except NotWritten:
        return False
