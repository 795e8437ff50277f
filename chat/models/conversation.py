"""A conversation: a tree of messages, of which one path is shown."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence

from django.conf import settings
from django.db import models

from chat.models import tree
from chat.models.message import Message
from chat.models.preferences import Preferences
from chat.text_cleanup import as_line
from chatsite import wire

TITLE_CHARACTERS = 60
#: Embeddings, overrides and isolates; the marks of direction only tell of themselves.
DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")
#: Row states of a reply that is still to come.
UNFINISHED = (wire.State.HELD, wire.State.QUEUED)


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def not_deleted(self) -> ConversationQuerySet:
        """Those that were not deleted: all that anybody may find."""
        return self.filter(deleted_at=None)

    def deleted(self) -> ConversationQuerySet:
        """Those that wait to be restored, or removed for good."""
        return self.exclude(deleted_at=None)


class Conversation(Preferences):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations"
    )
    title = models.CharField(max_length=200)
    active_leaf = models.ForeignKey(
        "chat.Message", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    #: A reply ended, and no page of the owner's has shown it yet.
    has_unread = models.BooleanField(default=False)
    #: Conversations deleted together have the same time, and are restored together.
    deleted_at = models.DateTimeField(null=True)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        ordering = ("-updated_at", "-id")
        indexes = (
            models.Index(
                fields=("owner", "-updated_at", "-id"),
                condition=models.Q(deleted_at=None),
                name="conversation_history",
            ),
            models.Index(
                fields=("deleted_at",),
                condition=models.Q(deleted_at__isnull=False),
                name="conversation_deleted",
            ),
        )

    def __str__(self) -> str:
        return str(self.pk)

    def claim(self) -> None:
        """For the rest of the transaction nobody else rearranges its messages."""
        Conversation.objects.select_for_update().filter(pk=self.pk).first()

    def path(self, leaf: uuid.UUID | None = None) -> list[Message]:
        """The messages that lead to ``leaf`` (default: the active one), oldest first.
        Two queries, however many."""
        return self.loaded(self.path_ids(leaf))

    def path_ids(
        self, leaf: uuid.UUID | None = None, *, limit: int = tree.ENDLESS
    ) -> list[uuid.UUID]:
        """Ids of the last ``limit`` of them."""
        leaf = leaf or self.active_leaf_id
        if leaf is None:
            return []
        return tree.ids_up(self.pk, leaf, limit)[::-1]

    def loaded(self, ids: Sequence[uuid.UUID]) -> list[Message]:
        """Messages of this conversation with their replies, in the order of ``ids``."""
        if not ids:
            return []
        # By their ids alone: the conversation as a condition would be searched first.
        found = Message.objects.select_related("reply").in_bulk(ids)
        mine = [found[pk] for pk in ids if pk in found]
        return [message for message in mine if message.conversation_id == self.pk]

    def has_unfinished(self, leaf: uuid.UUID | None) -> bool:
        """Whether a reply on the path to ``leaf`` is still to come."""
        if (
            leaf is None
            or not self.messages.filter(reply__state__in=UNFINISHED).exists()
        ):
            return False
        return tree.is_unfinished(self.pk, leaf)


def without_directions(text: str) -> str:
    """Without controls that reorder what stands behind them, as titles do in places
    where no element keeps them apart: a tab's, a tooltip, a notice of the system."""
    return DIRECTIONS.sub("", text)


def title_from(text: str, characters: int = TITLE_CHARACTERS) -> str:
    """A title made of the first words of a prompt."""
    words = as_line(without_directions(text))
    if len(words) <= characters:
        return words
    cut = words[:characters]
    return cut.rsplit(" ", 1)[0].rstrip(",.;:") + "…"
