"""Sessions: who is signed in where. Their keys open accounts, so no page tells them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from chat.accounts import session_end
from chat.admin.support import ReadOnlyAdmin, link_to
from chat.models import Session
from chat.services.session_digest import session_digest

#: Above the column; the script of the admin finds it by its id.
TOGGLE = mark_safe('<input type="checkbox" id="action-toggle">')


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    ordering = ("-created_at",)
    list_display = ("whose", "device", "created_at", "seen_at", "expire_date")
    list_display_links = None
    list_filter = ("created_at", "seen_at", "expire_date")
    list_select_related = ("user",)
    search_fields = ("user__username",)
    search_help_text = _("A name, or the id of a person.")
    id_fields = ("user",)
    actions = ("end",)

    @admin.display(description=_("Whose"))
    def whose(self, session: Session) -> str:
        return link_to(session.user) if session.user else "–"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        hidden = ("session_data", "user__instructions", "user__settings")
        return super().get_queryset(request).defer(*hidden)

    def get_urls(self) -> list[URLPattern]:
        """The list alone: the address of anything else would be a key."""
        return [
            url for url in super().get_urls() if str(url.name).endswith("_changelist")
        ]

    @admin.display(description=TOGGLE)
    def action_checkbox(self, session: Session) -> SafeString:
        """Named as the mailbox names it, which opens nothing."""
        name, label = session_digest(session.pk), _("Select this session")
        return format_html(
            '<input type="checkbox" class="action-select" name="{}" value="{}"'
            ' aria-label="{}">',
            *(helpers.ACTION_CHECKBOX_NAME, name, label),
        )

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any
    ) -> HttpResponse | None:
        chosen = {*request.POST.getlist(helpers.ACTION_CHECKBOX_NAME)}
        keys = Session.objects.values_list("pk", flat=True).iterator()
        form = request.POST.copy()
        found = [key for key in keys if session_digest(key) in chosen]
        form.setlist(helpers.ACTION_CHECKBOX_NAME, found)
        request.POST = form  # type: ignore[assignment]
        return super().response_action(request, queryset, *args)

    @admin.action(permissions=["act"], description=_("End these sessions"))
    def end(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        users = {session.user for session in queryset if session.user}
        count = session_end.end_sessions(queryset)
        for user in users:
            self.log_change(request, user, "Ended a session.")
        said = ngettext("%s session was ended.", "%s sessions were ended.", count)
        self.message_user(request, said % count, messages.SUCCESS)
