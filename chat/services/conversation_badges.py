"""Badges, the states that the list shows beside the titles of conversations, and news.

News are what is unread in all conversations of an owner; the title of the page counts
it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from chat.models.reply_queryset import FAILED_OR_STOPPED
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
#: More unread conversations than this are not counted.
UNREAD_MAX = 99
#: An owner's listed conversations that were not read, in the columns of those replies:
#: one query gets both. The inner one lets each database apply the limit.
UNREAD = """
UNION ALL SELECT * FROM (
    SELECT ready_reply, id, 'unread' AS state, NULL FROM chat_conversation
    WHERE owner_id = %s AND has_unread AND deleted_at IS NULL AND NOT is_hidden
        AND NOT is_archived
    LIMIT %s
) AS unread
"""
#: So many digits of an id tell apart what is new for one person.
SHORT_DIGITS = 8


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


class News(NamedTuple):
    """What is new for an owner, in whatever part of the list."""

    #: Unread conversations: a number of at most ``UNREAD_MAX``, "99+" beyond, or empty.
    unread: str = ""
    #: Of each, a short name of itself and one of the reply that was ready last.
    ready: tuple[str, ...] = ()
    #: Whether a reply is to come by itself.
    is_awaited: bool = False


NO_NEWS = News()
#: One row of the query: a reply, the digits of its conversation, its state, and that of
#: the reply before it.
Found = tuple[object, object, str, str | None]


def badges_and_news(
    owner: UUID, conversations: Iterable[ListedConversation]
) -> tuple[dict[UUID, Badge | None], News]:
    """The badge of each conversation, and the news of all.

    It takes one query and at most one trip to Redis.
    """
    listed = {conversation.pk.hex: conversation for conversation in conversations}
    found: list[Found] = [
        (reply, digits_of(conversation), *rest)
        for reply, conversation, *rest in rows(
            UNFINISHED_REPLIES + UNREAD, [owner, owner, UNREAD_MAX + 1]
        )
    ]
    coming = [row for row in found if row[2] != Badge.UNREAD]
    unfinished = _unfinished(coming, listed)
    badges = {
        conversation.pk: unfinished.get(digits) or _finished(conversation)
        for digits, conversation in listed.items()
    }
    return badges, _news(coming, [row for row in found if row[2] == Badge.UNREAD])


def _news(coming: Sequence[Found], unread: Sequence[Found]) -> News:
    count = len(unread)
    shown = str(count) if count <= UNREAD_MAX else f"{UNREAD_MAX}+"
    return News(
        unread=shown if count else "",
        ready=tuple(
            f"{str(digits)[:SHORT_DIGITS]}-{str(digits_of(reply))[:SHORT_DIGITS]}"
            for reply, digits, _, _ in unread
            if reply
        ),
        is_awaited=not all(map(_is_paused, coming)),
    )


def _is_paused(row: Found) -> bool:
    """Whether a reply waits for its owner to decide."""
    _, _, state, state_before = row
    return state == wire.State.HELD and state_before in FAILED_OR_STOPPED


def _finished(conversation: ListedConversation) -> Badge | None:
    if conversation.leaf_state == wire.State.FAILED:
        return Badge.FAILED
    return Badge.UNREAD if conversation.has_unread else None


def _unfinished(
    coming: Sequence[Found], listed: Container[object]
) -> dict[object, Badge]:
    """The badges of those ``listed`` that have an unfinished reply.

    Conversations are named by the digits of their ids.
    """
    found = [row for row in coming if row[1] in listed]
    replies = [str(uuid_of(row[0])) for row in found]
    queued = [str(uuid_of(row[0])) for row in found if row[2] == wire.State.QUEUED]
    started = _started(queued[:ASKED_MAX])
    states: dict[object, set[str]] = {}
    for pk, row in zip(replies, found, strict=True):
        _, conversation, state, _ = row
        shown = "running" if pk in started else "paused" if _is_paused(row) else state
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
