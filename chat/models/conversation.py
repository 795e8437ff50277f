"""A conversation: a tree of messages, of which one path is shown."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models

from chatsite import wire

if TYPE_CHECKING:
    from chat.models.message import Message

TITLE_CHARACTERS = 60
#: Row states of a reply that is still to come.
UNFINISHED = (wire.State.HELD, wire.State.QUEUED)


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def there(self) -> ConversationQuerySet:
        """Those that were not deleted: all that anybody may find."""
        return self.filter(deleted_at=None)

    def deleted(self) -> ConversationQuerySet:
        """Those that wait to be restored, or removed for good."""
        return self.exclude(deleted_at=None)


class Conversation(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations"
    )
    title = models.CharField(max_length=200)
    #: Name of the model a person picked; empty follows the one served here.
    model = models.CharField(max_length=100, blank=True)
    settings = models.JSONField(default=dict, blank=True)
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
        """The messages from the first one to ``leaf`` (default: the active one).

        Two queries, however long: the shape of the tree, then the path's texts.
        """
        ids = self._path_ids(leaf or self.active_leaf_id)
        found = self.messages.select_related("reply").in_bulk(ids)
        return [found[pk] for pk in reversed(ids) if pk in found]

    def has_unfinished(self, leaf: uuid.UUID | None) -> bool:
        """Whether a reply on the path to ``leaf`` is still to come."""
        unfinished = self.messages.filter(reply__state__in=UNFINISHED)
        pending = set(unfinished.values_list("pk", flat=True))
        if not pending or leaf is None:
            return False
        return not pending.isdisjoint(self._path_ids(leaf))

    def _path_ids(self, leaf: uuid.UUID | None) -> list[uuid.UUID]:
        """Ids of the messages from ``leaf`` back to the first one."""
        parents = dict(self.messages.values_list("pk", "parent_id"))
        ids = []
        while leaf is not None:
            ids.append(leaf)
            leaf = parents.get(leaf)
        return ids


def title_from(text: str) -> str:
    """A title made of the first words of a prompt."""
    words = " ".join(text.split())
    if len(words) <= TITLE_CHARACTERS:
        return words
    cut = words[:TITLE_CHARACTERS]
    return cut.rsplit(" ", 1)[0].rstrip(",.;:") + "…"
