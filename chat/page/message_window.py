"""Which messages of a conversation a page shows: the newest, or some around another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chat.models import Conversation, Message, tree
from chat.page.state import messages_per_page
from chatsite import wire


@dataclass(frozen=True, slots=True)
class MessageWindow:
    """Neighbouring messages of one path, oldest first."""

    messages: Sequence[Message]
    #: Replies that were requested together with the last message, itself included;
    #: shown side by side in its place.
    batch: Sequence[Message] = ()
    #: Whether the path has messages before these.
    has_earlier: bool = False
    #: Whether the path has messages after these.
    has_later: bool = False
    #: Whether these are on the active path, which the conversation continues.
    is_active: bool = True

    @property
    def ids(self) -> list[UUID]:
        """Ids of the messages, oldest first."""
        return [message.pk for message in self.messages]

    @property
    def leaf(self) -> UUID | None:
        """Id of the last message of the active path, if these reach up to it."""
        return None if self.has_later or not self.is_active else self.last_id

    @property
    def has_queued(self) -> bool:
        """Whether a reply among them is queued or running."""
        replies = [m.reply for m in (*self.messages, *self.batch) if not m.is_from_user]
        return any(reply.state == wire.State.QUEUED for reply in replies)

    @property
    def last_id(self) -> UUID | None:
        """Id of the newest of these messages; None without any."""
        return self.messages[-1].pk if self.messages else None

    @property
    def conversation_id(self) -> UUID | None:
        """Id of their conversation; None without messages."""
        return self.messages[0].conversation_id if self.messages else None

    @property
    def first_id(self) -> UUID | None:
        """Id of the oldest of these messages; None without any."""
        return self.messages[0].pk if self.messages else None


def latest(conversation: Conversation) -> MessageWindow:
    """The newest messages of the active path."""
    limit = messages_per_page()
    ids = conversation.path_ids(limit=limit + 1)
    messages = conversation.loaded(ids[-limit:])
    batch = batch_of(messages[-1]) if messages else ()
    return MessageWindow(messages, batch, has_earlier=len(ids) > limit)


def before(conversation: Conversation, message: UUID) -> MessageWindow:
    """The messages before ``message``, without it."""
    limit = messages_per_page()
    ids = tree.ids_up(conversation.pk, message, limit + 2)[::-1][:-1]
    return MessageWindow(
        conversation.loaded(ids[-limit:]),
        has_earlier=len(ids) > limit,
        has_later=True,
    )


def around(conversation: Conversation, message: UUID) -> MessageWindow:
    """A message with those before and after it, on the active path if it is there.

    Empty where the conversation has no such message.
    """
    path, is_active = conversation.path_ids(), True
    if message not in path:
        if not conversation.messages.filter(pk=message).exists():
            return MessageWindow(())
        path, is_active = conversation.path_ids(tree.newest_leaf(message)), False
    limit = messages_per_page()
    start = max(0, min(path.index(message) - limit // 2, len(path) - limit))
    start -= start % 2  # begins with a message of the user
    messages = conversation.loaded(path[start : start + limit])
    has_later = start + limit < len(path)
    return MessageWindow(
        messages,
        batch=() if has_later else batch_of(messages[-1]),
        has_earlier=start > 0,
        has_later=has_later,
        is_active=is_active,
    )


def moments_of_path(conversation: Conversation) -> list[tuple[UUID, datetime]]:
    """The messages of the active path, each with when it was said."""
    said = dict(conversation.messages.values_list("pk", "created_at"))
    return [(pk, said[pk]) for pk in conversation.path_ids() if pk in said]


def batch_of(leaf: Message) -> list[Message]:
    """The replies that were requested together with ``leaf``, itself included."""
    if leaf.is_from_user or leaf.reply.batch is None:
        return []
    siblings = Message.objects.filter(
        parent=leaf.parent_id, reply__batch=leaf.reply.batch
    )
    return list(siblings.select_related("reply").order_by("created_at", "pk"))
