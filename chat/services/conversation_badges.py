"""Marks: what the list says of a conversation beside its title."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from chat.models import Conversation, Reply
from chat.models.reply import WENT_WRONG
from chatsite import wire
from chatsite.mailbox import MailboxAway, open_mailbox

#: More unfinished replies than this are not asked about: the rest shows as waiting.
ASKED_MAX = 100


class Badge(StrEnum):
    PAUSED = "paused"
    RUNNING = "running"
    WAITING = "waiting"
    FAILED = "failed"
    UNREAD = "unread"

    @property
    def words(self) -> str:
        return str(WORDS[self])


WORDS = {
    Badge.PAUSED: _("asks whether to go on"),
    Badge.RUNNING: _("reply being written"),
    Badge.WAITING: _("reply on its way"),
    Badge.FAILED: _("last reply failed"),
    Badge.UNREAD: _("new reply"),
}


#: What tells most about a conversation comes first.
COMING = {
    "running": Badge.RUNNING,
    "queued": Badge.WAITING,
    "paused": Badge.PAUSED,
    "held": Badge.WAITING,
}


def badges_of(
    owner: UUID, conversations: Iterable[Conversation]
) -> dict[UUID, Badge | None]:
    """The mark of each, for one query and at most one trip to Redis.

    The conversations come with ``leaf_state``, the state of the reply they end with.
    """
    coming = _coming(owner)
    return {
        conversation.pk: coming.get(conversation.pk) or _settled(conversation)
        for conversation in conversations
    }


def _settled(conversation: Conversation) -> Badge | None:
    if getattr(conversation, "leaf_state", None) == wire.State.FAILED:
        return Badge.FAILED
    return Badge.UNREAD if conversation.has_unread else None


def _coming(owner: UUID) -> dict[UUID, Badge]:
    """Conversations in which a reply is still to come."""
    unfinished = Reply.objects.unfinished().filter(message__owner=owner)
    before = "message__parent__parent__reply__state"
    rows = list(
        unfinished.values_list("message__conversation_id", "pk", "state", before)
    )
    queued = [str(pk) for _, pk, state, _ in rows if state == wire.State.QUEUED]
    begun = _begun(queued[:ASKED_MAX])
    kinds: dict[UUID, set[str]] = {}
    for conversation, pk, state, state_before in rows:
        is_paused = state == wire.State.HELD and state_before in WENT_WRONG
        kind = "running" if str(pk) in begun else "paused" if is_paused else state
        kinds.setdefault(conversation, set()).add(kind)
    return {
        conversation: next(mark for kind, mark in COMING.items() if kind in found)
        for conversation, found in kinds.items()
    }


def _begun(replies: list[str]) -> set[str]:
    try:
        return open_mailbox().started(replies)
    except MailboxAway:
        return set()
