"""Marks: what the list says of a conversation beside its title."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from chat.models import Conversation, Reply
from chatsite import wire
from chatsite.mailbox import MailboxAway, open_mailbox

#: More unfinished replies than this are not asked about: the rest shows as waiting.
ASKED_MAX = 100


class Mark(StrEnum):
    RUNNING = "running"
    WAITING = "waiting"
    FAILED = "failed"
    UNREAD = "unread"

    @property
    def words(self) -> str:
        return str(WORDS[self])


WORDS = {
    Mark.RUNNING: _("reply being written"),
    Mark.WAITING: _("reply on its way"),
    Mark.FAILED: _("last reply failed"),
    Mark.UNREAD: _("new reply"),
}


def marks_of(
    owner: UUID, conversations: Iterable[Conversation]
) -> dict[UUID, Mark | None]:
    """The mark of each, for one query and at most one trip to Redis.

    The conversations come with ``leaf_state``, the state of the reply they end with.
    """
    coming = _coming(owner)
    return {
        conversation.pk: coming.get(conversation.pk) or _settled(conversation)
        for conversation in conversations
    }


def _settled(conversation: Conversation) -> Mark | None:
    if getattr(conversation, "leaf_state", None) == wire.State.FAILED:
        return Mark.FAILED
    return Mark.UNREAD if conversation.has_unread else None


def _coming(owner: UUID) -> dict[UUID, Mark]:
    """Conversations in which a reply is still to come."""
    unfinished = Reply.objects.unfinished().filter(message__owner=owner)
    rows = list(unfinished.values_list("message__conversation_id", "pk", "state"))
    queued = [str(pk) for _, pk, state in rows if state == wire.State.QUEUED]
    begun = _begun(queued[:ASKED_MAX])
    writing = {conversation for conversation, pk, _ in rows if str(pk) in begun}
    return {
        conversation: Mark.RUNNING if conversation in writing else Mark.WAITING
        for conversation, _, _ in rows
    }


def _begun(replies: list[str]) -> set[str]:
    try:
        return open_mailbox().begun(replies)
    except MailboxAway:
        return set()
