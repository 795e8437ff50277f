"""Badges: the state that the list shows beside the title of a conversation."""

from __future__ import annotations

from collections.abc import Container, Iterable
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from chat.models.reply import FAILED_OR_STOPPED
from chat.models.sql_rows import digits_of, rows, uuid_of
from chatsite import wire
from chatsite.mailbox import MailboxAway, open_mailbox

#: The mailbox is asked about this many replies; the others show as waiting.
ASKED_MAX = 100
#: An owner's unfinished replies, and the state of the reply before each of them.
#: Literals, because with parameters SQLite would not take the index of such replies.
UNFINISHED_REPLIES = """
SELECT reply.message_id, message.conversation_id, reply.state, earlier.state
FROM chat_reply AS reply JOIN chat_message AS message ON message.id = reply.message_id
LEFT JOIN chat_message AS question ON question.id = message.parent_id
LEFT JOIN chat_reply AS earlier ON earlier.message_id = question.parent_id
WHERE message.owner_id = %s AND reply.state IN ('held', 'queued')
"""


class Badge(StrEnum):
    """The state of a conversation, as templates name it."""

    PAUSED = "paused"
    RUNNING = "running"
    WAITING = "waiting"
    FAILED = "failed"
    UNREAD = "unread"

    @property
    def words(self) -> str:
        """The badge as a text, in the language of the page."""
        return str(WORDS[self])


WORDS = {
    Badge.PAUSED: _("needs your decision"),
    Badge.RUNNING: _("reply being written"),
    Badge.WAITING: _("reply on its way"),
    Badge.FAILED: _("last reply failed"),
    Badge.UNREAD: _("new reply"),
}


class ListedConversation(NamedTuple):
    """What the list needs of a conversation: rows of models take twice the time."""

    pk: UUID
    title: str
    updated_at: datetime
    has_unread: bool
    is_pinned: bool
    is_archived: bool
    #: The state of its last reply; None where that is a message of the user.
    leaf_state: str | None


#: Badges of unfinished replies by their state; the first one that applies is shown.
UNFINISHED_BADGES = {
    "running": Badge.RUNNING,
    "queued": Badge.WAITING,
    "paused": Badge.PAUSED,
    "held": Badge.WAITING,
}


def badges_of(
    owner: UUID, conversations: Iterable[ListedConversation]
) -> dict[UUID, Badge | None]:
    """The badge of each conversation, by one query and at most one trip to Redis."""
    listed = {conversation.pk.hex: conversation for conversation in conversations}
    unfinished = _unfinished(owner, listed)
    return {
        conversation.pk: unfinished.get(digits) or _finished(conversation)
        for digits, conversation in listed.items()
    }


def _finished(conversation: ListedConversation) -> Badge | None:
    if conversation.leaf_state == wire.State.FAILED:
        return Badge.FAILED
    return Badge.UNREAD if conversation.has_unread else None


def _unfinished(owner: UUID, listed: Container[object]) -> dict[object, Badge]:
    """The badges of those ``listed`` that have an unfinished reply.

    Conversations are named by the digits of their ids.
    """
    found = [
        (str(uuid_of(pk)), digits, *rest)
        for pk, conversation, *rest in rows(UNFINISHED_REPLIES, [owner])
        if (digits := digits_of(conversation)) in listed
    ]
    queued = [pk for pk, _, state, _ in found if state == wire.State.QUEUED]
    started = _started(queued[:ASKED_MAX])
    states: dict[object, set[str]] = {}
    for pk, conversation, state, state_before in found:
        is_paused = state == wire.State.HELD and state_before in FAILED_OR_STOPPED
        shown = "running" if pk in started else "paused" if is_paused else state
        states.setdefault(conversation, set()).add(shown)
    return {
        conversation: next(
            badge for state, badge in UNFINISHED_BADGES.items() if state in shown
        )
        for conversation, shown in states.items()
    }


def _started(replies: list[str]) -> set[str]:
    try:
        return open_mailbox().started(replies)
    except MailboxAway:
        return set()
