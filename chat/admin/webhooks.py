"""Webhooks in the admin: whose they are, which host they call, and no secret."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from chat.admin.support import IsSetFilter, ReadOnlyAdmin, titled, user_link
from chat.models import WebhookEndpoint
from chat.models.webhook_endpoint import DisabledReason
from chat.services.webhooks.endpoints import disable
from chat.wording.webhooks import try_text


@admin.register(WebhookEndpoint)
class WebhookAdmin(ReadOnlyAdmin):
    """The list of webhooks, with an action that disables them.

    Of an address it shows the host: the rest may hold a secret of the receiver.
    """

    list_display = ("id", "whose", "host", "last_success_at", "disabled_at")
    list_filter = (
        ("disabled_at", titled(_("switched off"), IsSetFilter)),
        ("last_success_at", titled(_("last answered"))),
    )
    list_select_related = ("owner",)
    search_fields = ("owner__username",)
    search_help_text = _("The owner’s name or id, or the id of a webhook.")
    id_fields = ("pk", "owner")
    fields = (
        *("id", "whose", "host", "events", "created_at", "last_success_at"),
        *("last_call", "disabled_at", "disabled_reason"),
    )
    readonly_fields = ("whose", "host", "last_call")
    actions = ("disable",)

    @admin.display(description=_("Owner"))
    def whose(self, endpoint: WebhookEndpoint) -> SafeString:
        """Link to the owner."""
        return user_link(endpoint.owner)

    @admin.display(description=_("Host"))
    def host(self, endpoint: WebhookEndpoint) -> str:
        """Return the host of the address."""
        return urlsplit(endpoint.url).hostname or ""

    @admin.display(description=_("Last call"))
    def last_call(self, endpoint: WebhookEndpoint) -> str:
        """Say how the last call went."""
        tries = endpoint.deliveries.exclude(tries=[]).values_list("tries", flat=True)
        found = tries.first()
        return try_text(found[0]) if found else ""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return rows without what their owners wrote, and without secrets."""
        found: QuerySet[Any] = super().get_queryset(request).select_related("owner")
        secret = ("description", "secret", "old_secret")
        return found.defer(*secret, "owner__instructions", "owner__settings")

    @admin.action(permissions=["act"], description=_("Switch off"))
    def disable(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Disable the chosen webhooks."""
        count = sum(disable(one, DisabledReason.ADMIN) for one in queryset)
        message = ngettext(
            "%s webhook was switched off.", "%s webhooks were switched off.", count
        )
        self.message_user(request, message % count, messages.SUCCESS)
