"""API keys in the admin: whose they are and what they may do, and no secret."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from chat.accounts import api_keys
from chat.admin.support import IsSetFilter, ReadOnlyAdmin, titled, user_link
from chat.models import ApiKey

SCOPES = ("can_chat", "can_read_history", "can_batch")


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """The list of keys, with an action that revokes them."""

    list_display = ("prefix", "whose", *SCOPES, "last_used_at", "expires_at")
    list_filter = (
        ("revoked_at", titled(_("revoked"), IsSetFilter)),
        ("last_used_at", titled(_("last used"))),
        ("expires_at", titled(_("expires"))),
    )
    list_select_related = ("owner",)
    search_fields = ("prefix", "owner__username")
    search_help_text = _("The beginning of a key, or the owner’s name or id.")
    id_fields = ("pk", "owner")
    fields = (
        *("id", "prefix", "whose", *SCOPES, "keeps_conversations", "is_helper"),
        *("limits", "created_at", "last_used_at", "expires_at", "revoked_at"),
    )
    readonly_fields = ("whose",)
    actions = ("revoke",)

    @admin.display(description=_("Owner"))
    def whose(self, key: ApiKey) -> SafeString:
        """Link to the owner."""
        return user_link(key.owner)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return rows without what their owners wrote, and without digests."""
        found: QuerySet[Any] = super().get_queryset(request).select_related("owner")
        return found.defer("name", "digest", "owner__instructions", "owner__settings")

    @admin.action(permissions=["act"], description=_("Revoke"))
    def revoke(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Make keys useless from now on."""
        found = list(queryset.filter(revoked_at=None))
        for key in found:
            api_keys.revoke(key)
            self.log_change(request, key, "Revoked.")
        count = len(found)
        message = ngettext("%s key was revoked.", "%s keys were revoked.", count)
        self.message_user(request, message % count, messages.SUCCESS)
