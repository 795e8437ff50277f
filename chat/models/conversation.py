"""A conversation: a tree of messages, one path of which is shown."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence

from django.conf import settings
from django.db import connection, models
from django.utils import timezone

from chat.attached_files import without_files
from chat.models import tree
from chat.models.message import Message
from chat.models.preferences import Preferences
from chat.models.sql_rows import adapted, execute, rows, uuid_of
from chat.text_cleanup import as_line
from chatsite import wire

TITLE_CHARACTERS = 60
#: Bidirectional embeddings, overrides and isolates; plain marks are harmless.
DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")
#: A conversation, and whether the reply at its end was not stopped before its turn: 0
#: also where a message is at the end, or where the end moved while this waited for the
#: lock, as nothing is joined then. Written out, because Django takes longer to build it
#: than the database to answer it.
OF_OWNER = """
SELECT own.*, CASE WHEN last.message_id IS NULL
    OR (last.state = 'stopped' AND last.queued_at IS NULL)
    THEN 0 ELSE 1 END AS has_started_leaf,
    EXISTS (SELECT 1 FROM chat_message WHERE parent_id = own.active_leaf_id)
    AS has_messages_after_leaf
FROM chat_conversation AS own
LEFT JOIN chat_reply AS last ON last.message_id = own.active_leaf_id
WHERE own.id = %s AND own.owner_id = %s AND own.deleted_at IS NULL
"""
OWNER = "SELECT owner_id FROM chat_conversation WHERE id = %s"
MARK_UNREAD = """
UPDATE chat_conversation SET has_unread = TRUE
WHERE id = %s AND NOT has_unread AND NOT is_hidden AND deleted_at IS NULL
"""
MARK_READY = """
UPDATE chat_conversation SET has_unread = TRUE, ready_reply = %s
WHERE id = %s AND NOT is_hidden AND deleted_at IS NULL
"""
CONTINUE = """
UPDATE chat_conversation
SET active_leaf_id = %s, updated_at = %s, is_archived = FALSE WHERE id = %s
"""
#: The states of an unfinished reply.
UNFINISHED = (wire.State.HELD, wire.State.QUEUED)


class ConversationQuerySet(models.QuerySet["Conversation"]):
    """Sets of conversations by whether they were deleted."""

    def not_deleted(self) -> ConversationQuerySet:
        """Conversations that were not deleted."""
        return self.filter(deleted_at=None)

    def listed(self) -> ConversationQuerySet:
        """Those that pages show: neither deleted nor hidden."""
        return self.not_deleted().filter(is_hidden=False)

    def with_page(self) -> ConversationQuerySet:
        """Those that have a page: listed ones, and temporary chats."""
        has_page = models.Q(is_hidden=False) | models.Q(temporary_until__isnull=False)
        return self.not_deleted().filter(has_page)

    def deleted(self) -> ConversationQuerySet:
        """Deleted conversations, which can be restored until they are removed."""
        return self.exclude(deleted_at=None)

    def claim_of_owner(self, pk: uuid.UUID, owner: uuid.UUID) -> Conversation | None:
        """Lock a conversation of an owner until the transaction ends.

        None if it was deleted or belongs to another owner. The row has two attributes
        more; see below.
        """
        lock = "FOR UPDATE OF own" if connection.features.has_select_for_update else ""
        found = self.raw(f"{OF_OWNER} {lock}", [adapted(pk), adapted(owner)])
        return next(iter(found), None)


class Conversation(Preferences):
    """A tree of messages; ``active_leaf`` ends the path that is shown."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations"
    )
    title = models.CharField(max_length=200)
    active_leaf = models.ForeignKey(
        "chat.Message", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    #: A reply ended, and no page of the owner has shown it yet.
    has_unread = models.BooleanField(default=False)
    #: The reply that was ready last, which open pages announce once.
    ready_reply = models.UUIDField(null=True, blank=True, editable=False)
    #: Conversations deleted together have the same time, and are restored together.
    deleted_at = models.DateTimeField(null=True)
    #: Listed above all that are not.
    is_pinned = models.BooleanField(default=False, db_default=False)
    #: Not in the list, but in the archive and in search. A message brings it back.
    is_archived = models.BooleanField(default=False, db_default=False)

    #: The key whose calls made it; empty for conversations that began on a page.
    api_key = models.ForeignKey(
        "chat.ApiKey",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="conversations",
    )
    #: A digest of the turns that its last call sent, by which the next one finds it.
    turns_digest = models.CharField(
        max_length=64, blank=True, default="", db_default=""
    )
    #: Not kept: in no list and no search, and erased soon. Of a call, no page shows it.
    is_hidden = models.BooleanField(default=False, db_default=False)
    #: Set for a temporary chat, which is hidden but has a page: when it is erased,
    #: unless the page is looked at until then.
    temporary_until = models.DateTimeField(null=True, blank=True)

    #: Both are set by ``claim_of_owner``, and have to be looked up where they are not:
    #: 1 if the reply at the end was not stopped before its turn; 0 if no other message
    #: than those to come follows the end.
    has_started_leaf = 0
    has_messages_after_leaf = 1

    objects = ConversationQuerySet.as_manager()

    class Meta:
        ordering = ("-updated_at", "-id")
        indexes = (
            models.Index(
                fields=("owner", "-is_pinned", "-updated_at", "-id"),
                condition=models.Q(deleted_at=None, is_hidden=False, is_archived=False),
                name="conversation_listed",
            ),
            models.Index(
                fields=("owner", "-updated_at", "-id"),
                condition=models.Q(deleted_at=None, is_hidden=False, is_archived=True),
                name="conversation_archived",
            ),
            models.Index(
                fields=("owner",),
                condition=models.Q(
                    deleted_at=None,
                    is_hidden=False,
                    is_archived=False,
                    has_unread=True,
                ),
                name="conversation_unread",
            ),
            models.Index(
                fields=("deleted_at",),
                condition=models.Q(deleted_at__isnull=False),
                name="conversation_deleted",
            ),
            models.Index(
                fields=("api_key", "turns_digest"),
                condition=models.Q(api_key__isnull=False),
                name="conversation_of_calls",
            ),
            models.Index(
                fields=("updated_at",),
                condition=models.Q(is_hidden=True),
                name="conversation_hidden",
            ),
        )

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def is_temporary(self) -> bool:
        """Whether it is erased some time after its last page was closed."""
        return self.temporary_until is not None

    @property
    def has_page(self) -> bool:
        """Whether pages show it, and have to hear of its changes."""
        return self.is_temporary or not self.is_hidden

    def claim(self) -> None:
        """Lock the conversation until the transaction ends, to change its tree.

        Its owner becomes that of the row: a guest may have signed in since it was read.
        """
        lock = "FOR UPDATE" if connection.features.has_select_for_update else ""
        for (owner,) in rows(f"{OWNER} {lock}", (self.pk,)):
            self.owner_id = uuid_of(owner)  # drops another one that was read

    def mark_unread(self, ready_reply: uuid.UUID | None = None) -> None:
        """Note that a reply ended, unless no list shows this conversation.

        ``ready_reply`` is the reply if it did not fail.
        """
        if ready_reply is None:
            execute(MARK_UNREAD, (self.pk,))
        else:
            execute(MARK_READY, (ready_reply, self.pk))

    def continue_to(self, leaf: uuid.UUID) -> None:
        """End the path that is shown at a message that was written now.

        A conversation in the archive comes back into the list.
        """
        self.active_leaf_id, self.updated_at = leaf, timezone.now()
        self.is_archived = False
        execute(CONTINUE, (leaf, self.updated_at, self.pk))

    def path(self, leaf: uuid.UUID | None = None) -> list[Message]:
        """The messages up to ``leaf`` (default: the active one), oldest first.

        Two queries, however many messages there are.
        """
        return self.loaded(self.path_ids(leaf))

    def path_ids(
        self, leaf: uuid.UUID | None = None, *, limit: int = tree.ENDLESS
    ) -> list[uuid.UUID]:
        """The ids of the last ``limit`` messages of ``path``."""
        leaf = leaf or self.active_leaf_id
        if leaf is None:
            return []
        return tree.ids_up(self.pk, leaf, limit)[::-1]

    def loaded(self, ids: Sequence[uuid.UUID]) -> list[Message]:
        """Messages of this conversation with their replies, in the order of ``ids``."""
        if not ids:
            return []
        # By ids alone: with the conversation as a condition the planner would scan it.
        found = Message.objects.select_related("reply").in_bulk(ids)
        ordered = [found[pk] for pk in ids if pk in found]
        return [message for message in ordered if message.conversation_id == self.pk]

    def has_unfinished(self, leaf: uuid.UUID | None) -> bool:
        """Whether a reply on the path to ``leaf`` is unfinished."""
        if (
            leaf is None
            or not self.messages.filter(reply__state__in=UNFINISHED).exists()
        ):
            return False
        return tree.is_unfinished(self.pk, leaf)


def without_directions(text: str) -> str:
    """Remove bidirectional controls, which could reorder the text after a title.

    Tabs, tooltips and system notifications cannot isolate a title with an element.
    """
    return DIRECTIONS.sub("", text)


def title_from(text: str, characters: int = TITLE_CHARACTERS) -> str:
    """A title from the first words of a message, at most ``characters`` long."""
    words = as_line(without_directions(without_files(text)))
    if len(words) <= characters:
        return words
    cut = words[:characters]
    return cut.rsplit(" ", 1)[0].rstrip(",.;:") + "…"
