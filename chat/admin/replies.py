"""Replies in the admin: state, model, worker and times, but no text."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from chat.admin.support import ReadOnlyAdmin, titled, user_link
from chat.models import Reply
from chat.services.jobs.stop import stop_reply
from chatsite import wire
from chatsite.model_choice import current_catalog

#: Columns that the admin never reads from the database.
TEXT_COLUMNS = (
    *("instructions", "settings", "message__text"),
    *("message__owner__instructions", "message__owner__settings"),
)


class ErrorFilter(admin.SimpleListFilter):
    """Filters replies by error code."""

    title = _("error")
    parameter_name = "error"

    def lookups(self, *_args: Any) -> list[tuple[str, str]]:
        """Return all error codes."""
        return [(code.value, code.value) for code in wire.ErrorCode]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the replies with the chosen code."""
        return queryset.filter(error=self.value()) if self.value() else queryset


class ModelFilter(admin.SimpleListFilter):
    """Filters replies by model."""

    title = _("model")
    parameter_name = "model"

    def lookups(self, *_args: Any) -> list[tuple[str, str]]:
        """Return the names of the models in the catalogue."""
        return [(name, name) for name in current_catalog().models]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the replies of the chosen model."""
        return queryset.filter(model=self.value()) if self.value() else queryset


class LostFilter(admin.SimpleListFilter):
    """Filters replies that lost a worker."""

    title = _("lost workers")
    parameter_name = "lost"

    def lookups(self, *_args: Any) -> list[tuple[str, Any]]:
        """Return the only choice."""
        return [("1", _("One or more"))]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the replies that lost one or more workers."""
        return queryset.filter(losses__gt=0) if self.value() else queryset


@admin.register(Reply)
class ReplyAdmin(ReadOnlyAdmin):
    """The list of replies, with an action that stops them."""

    ordering = ("-queued_at",)
    list_display = (
        *("id", "state", "owner", "model", "worker", "error", "losses"),
        *("prompt_tokens", "new_tokens", "queued_at", "started_at", "finished_at"),
    )
    list_filter = (
        "state",
        ErrorFilter,
        ModelFilter,
        LostFilter,
        ("finished_at", titled(_("finished"))),
    )
    search_fields = ("message__owner__username", "=worker")
    search_help_text = _(
        "An id of the reply, its conversation or its owner; the owner's name; a worker."
    )
    id_fields = ("pk", "message__conversation", "message__owner")
    readonly_fields = ("id", "owner", "conversation")
    fields = (
        *("id", "owner", "conversation", "state", "error", "stop_requested_at"),
        *("attempt", "losses", "worker", "model", "is_model_picked"),
        *("revision", "precision"),
        *("prompt_tokens", "new_tokens", "is_length_limited", "dropped_turns"),
        *("queued_at", "published_at", "started_at", "first_text_at", "finished_at"),
    )
    actions = ("stop",)

    @admin.display(description=_("Id"))
    def id(self, reply: Reply) -> str:
        """Return the id, which the reply shares with its message."""
        return str(reply.pk)

    @admin.display(description=_("Owner"))
    def owner(self, reply: Reply) -> SafeString:
        """Link to the owner."""
        return user_link(reply.message.owner)

    @admin.display(description=_("Conversation"))
    def conversation(self, reply: Reply) -> SafeString:
        """Link to the conversation."""
        pk = reply.message.conversation_id
        page = reverse("admin:chat_conversation_change", args=[pk])
        return format_html('<a href="{}">{}</a>', page, pk)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return rows without texts."""
        with_owner = super().get_queryset(request).select_related("message__owner")
        return with_owner.defer(*TEXT_COLUMNS)

    @admin.action(permissions=["act"], description=_("Stop"))
    def stop(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Stop as the owner would: the text so far is kept."""
        pks = list(queryset.values_list("pk", flat=True))
        found = list(Reply.objects.unfinished().with_path().filter(pk__in=pks))
        for reply in found:
            stop_reply(reply)
            self.log_change(request, reply, "Stopped.")
        count = len(found)
        message = ngettext("%s reply was stopped.", "%s replies were stopped.", count)
        self.message_user(request, message % count, messages.SUCCESS)
