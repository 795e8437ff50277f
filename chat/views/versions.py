"""Messages that stand at one place of the tree: a path leads through one of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from chat.models import Message


@dataclass(frozen=True, slots=True)
class Versions:
    """All versions of a message, oldest first, and which of them it is."""

    ids: tuple[UUID, ...]
    index: int

    @property
    def number(self) -> int:
        return self.index + 1

    @property
    def count(self) -> int:
        return len(self.ids)

    @property
    def previous(self) -> UUID | None:
        return self.ids[self.index - 1] if self.index else None

    @property
    def next(self) -> UUID | None:
        return self.ids[self.number] if self.number < self.count else None


def versions_of(messages: Iterable[Message]) -> dict[UUID, Versions]:
    """The versions of each message of one conversation, in one query."""
    messages = list(messages)
    if not messages:
        return {}
    parents = {message.parent_id for message in messages}
    at_their_places = Q(parent__in=parents - {None})
    if None in parents:
        at_their_places |= Q(parent=None)
    found: dict[UUID | None, list[UUID]] = {}
    conversation = messages[0].conversation_id
    rows = Message.objects.filter(at_their_places, conversation=conversation)
    for parent, pk in rows.order_by("created_at", "pk").values_list("parent", "pk"):
        found.setdefault(parent, []).append(pk)
    return {
        message.pk: _versions(message, found[message.parent_id]) for message in messages
    }


def _versions(message: Message, ids: list[UUID]) -> Versions:
    return Versions(tuple(ids), ids.index(message.pk))
