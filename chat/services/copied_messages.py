"""Stores messages that no worker wrote here: forks, copies and imports.

Their replies are finished. Nothing is enqueued for them, and they count in no limit,
chart or metric; see ``Reply.origin``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

from chat.models import Conversation, Message, Origin, Reply
from chatsite import wire

#: Rows of one statement, and messages that are in memory at once.
ROWS = 200
#: Fields of ``Reply`` that a copy keeps: what was asked, and what came of it.
KEPT_FIELDS = (
    *("state", "model", "revision", "precision", "settings", "seed", "instructions"),
    *("prompt_tokens", "new_tokens", "dropped_turns", "cut_tokens", "error"),
    *("is_length_limited", "queued_at", "started_at", "first_text_at", "finished_at"),
)


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to be stored as it is."""

    text: str
    created_at: datetime
    parent: UUID | None
    #: Fields of ``Reply``, with a terminal state, of what a model wrote; None for a
    #: user's message.
    reply: Mapping[str, Any] | None = None
    pk: UUID = field(default_factory=uuid4)


def insert_messages(
    conversation: Conversation, messages: Iterable[NewMessage], origin: Origin
) -> int:
    """Store messages, each after its parent; return how many.

    The conversation must be saved. Any number may come, as only some are in memory at
    once. Call it in a transaction.
    """
    count = 0
    for some in _batches(messages):
        Message.objects.bulk_create([_message(conversation, one) for one in some])
        Reply.objects.bulk_create(
            [
                Reply(message_id=one.pk, **{"origin": origin, **one.reply})
                for one in some
                if one.reply is not None
            ]
        )
        count += len(some)
    return count


def copies_of_path(conversation: Conversation, leaf: UUID) -> Iterator[NewMessage]:
    """Copies of the messages up to ``leaf``, each the child of the one before.

    The path ends with a reply: before the first unfinished one and its message.
    """
    parent, asked = None, None
    ids = conversation.path_ids(leaf)
    for start in range(0, len(ids), ROWS):
        for message in conversation.loaded(ids[start : start + ROWS]):
            reply = None if message.is_from_user else message.reply
            if reply and not reply.is_terminal:
                return
            fields = _kept_fields(reply) if reply else {}
            copy = NewMessage(message.text, message.created_at, parent, fields or None)
            parent = copy.pk
            if reply is None:
                asked = copy
                continue
            if asked is not None:
                yield asked
            yield copy


def _kept_fields(reply: Reply) -> dict[str, Any]:
    """The fields of a copy; what a person wrote stays marked as edited."""
    fields = {name: getattr(reply, name) for name in KEPT_FIELDS}
    return {**fields, "origin": reply.origin} if reply.is_edited else fields


def _message(conversation: Conversation, new: NewMessage) -> Message:
    return Message(
        id=new.pk,
        conversation=conversation,
        owner_id=conversation.owner_id,
        parent_id=new.parent,
        role=wire.Role.USER if new.reply is None else wire.Role.ASSISTANT,
        text=new.text,
        created_at=new.created_at,
    )


def _batches(messages: Iterable[NewMessage]) -> Iterator[list[NewMessage]]:
    rest = iter(messages)
    while some := list(islice(rest, ROWS)):
        yield some
