"""Conversations in the admin: owner and counts, but no title and no text."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from chat.admin.support import (
    IsSetFilter,
    ReadOnlyAdmin,
    count_subquery,
    search_link,
    titled,
    user_link,
)
from chat.models import Conversation, Message, Reply
from chat.services import conversation_deletion

#: Columns that the admin never reads from the database.
TEXT_COLUMNS = (
    "title",
    "instructions",
    "settings",
    "owner__instructions",
    "owner__settings",
)


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    """The list of conversations, with actions that delete and restore them."""

    ordering = ("-updated_at", "-id")
    list_display = (
        *("id", "whose", "message_count", "waiting"),
        *("created_at", "updated_at", "deleted_at"),
    )
    list_filter = (
        ("deleted_at", titled(_("deleted"), IsSetFilter)),
        ("updated_at", titled(_("updated"))),
        ("created_at", titled(_("started"))),
    )
    list_select_related = ("owner",)
    search_fields = ("owner__username",)
    search_help_text = _("An id, or the owner’s name or id. Texts are not searched.")
    id_fields = ("pk", "owner")
    fields = (
        *("id", "whose", "model", "message_count", "waiting", "replies"),
        *("has_unread", "created_at", "updated_at", "deleted_at"),
    )
    readonly_fields = ("whose", "message_count", "waiting", "replies")
    actions = ("delete_with_undo", "restore")

    @admin.display(description=_("Owner"))
    def whose(self, conversation: Conversation) -> SafeString:
        """Link to the owner."""
        return user_link(conversation.owner)

    @admin.display(description=_("Replies"))
    def replies(self, conversation: Conversation) -> SafeString:
        """Link to the replies of the conversation."""
        return search_link("reply", conversation.pk, _("Show"))

    @admin.display(description=_("Messages"))
    def message_count(self, conversation: Any) -> int:
        """Count its messages."""
        return int(conversation.count_of_messages)

    @admin.display(description=_("Waiting replies"))
    def waiting(self, conversation: Any) -> int:
        """Count its replies that have not ended."""
        return int(conversation.count_of_waiting)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return rows without texts, with both counts as annotations."""
        messages_of = Message.objects.filter(conversation=OuterRef("pk"))
        replies = Reply.objects.filter(message__conversation=OuterRef("pk"))
        found: QuerySet[Any] = super().get_queryset(request).select_related("owner")
        found = found.defer(*TEXT_COLUMNS)
        return cast(
            "QuerySet[Any]",
            found.annotate(
                count_of_messages=count_subquery(messages_of, "conversation"),
                count_of_waiting=count_subquery(
                    replies.unfinished(), "message__conversation"
                ),
            ),
        )

    @admin.action(permissions=["act"], description=_("Delete (can be undone)"))
    def delete_with_undo(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete as the owner would: replies in progress are stopped."""
        found = list(queryset.filter(deleted_at=None))
        for conversation in found:
            conversation_deletion.delete(conversation)
            self.log_change(request, conversation, "Deleted.")
        count = len(found)
        message = ngettext(
            "%s conversation was deleted; it can be restored.",
            "%s conversations were deleted; they can be restored.",
            count,
        )
        self.message_user(request, message % count, messages.SUCCESS)

    @admin.action(permissions=["act"], description=_("Restore"))
    def restore(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Restore these, and the conversations that were deleted together with them."""
        count = 0
        for conversation in queryset.exclude(deleted_at=None):
            restored = conversation_deletion.restore(conversation)
            count += restored
            if restored:
                self.log_change(request, conversation, "Restored.")
        message = ngettext("%s was restored.", "%s were restored.", count)
        self.message_user(request, message % count, messages.SUCCESS)
