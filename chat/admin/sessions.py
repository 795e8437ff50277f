"""Sessions in the admin. Their keys open accounts, so no page shows a key."""

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
from chat.admin.support import ReadOnlyAdmin, titled, user_link
from chat.models import Session
from chat.services.session_digest import session_digest

#: The checkbox above the column; the admin's script finds it by its id.
SELECT_ALL = mark_safe('<input type="checkbox" id="action-toggle">')


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    """The list of sessions, with an action that ends them."""

    ordering = ("-created_at",)
    list_display = ("whose", "device", "created_at", "seen_at", "expire_date")
    list_display_links = None
    list_filter = (
        ("created_at", titled(_("logged in"))),
        ("seen_at", titled(_("last seen"))),
        ("expire_date", titled(_("expires"))),
    )
    list_select_related = ("user",)
    search_fields = ("user__username",)
    search_help_text = _("A name, or the id of a user.")
    id_fields = ("user",)
    actions = ("end",)

    @admin.display(description=_("User"))
    def whose(self, session: Session) -> str:
        """Link to the user, if the session has one."""
        return user_link(session.user) if session.user else "–"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return rows without the data of sessions and texts of users."""
        hidden = ("session_data", "user__instructions", "user__settings")
        return super().get_queryset(request).defer(*hidden)

    def get_urls(self) -> list[URLPattern]:
        """Return the URL of the list only: that of a row would hold a session key."""
        return [
            url for url in super().get_urls() if str(url.name).endswith("_changelist")
        ]

    @admin.display(description=SELECT_ALL)
    def action_checkbox(self, session: Session) -> SafeString:
        """Return a checkbox with the session's digest, which opens nothing."""
        name, label = session_digest(session.pk), _("Select this session")
        return format_html(
            '<input type="checkbox" class="action-select" name="{}" value="{}"'
            ' aria-label="{}">',
            *(helpers.ACTION_CHECKBOX_NAME, name, label),
        )

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any
    ) -> HttpResponse | None:
        """Translate the chosen digests to keys, which Django's action expects."""
        chosen = {*request.POST.getlist(helpers.ACTION_CHECKBOX_NAME)}
        keys = Session.objects.values_list("pk", flat=True).iterator()
        form = request.POST.copy()
        found = [key for key in keys if session_digest(key) in chosen]
        form.setlist(helpers.ACTION_CHECKBOX_NAME, found)
        request.POST = form  # type: ignore[assignment]
        return super().response_action(request, queryset, *args)

    @admin.action(permissions=["act"], description=_("End these sessions"))
    def end(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """End the chosen sessions."""
        users = {session.user for session in queryset if session.user}
        count = session_end.end_sessions(queryset)
        for user in users:
            self.log_change(request, user, "Ended a session.")
        message = ngettext("%s session was ended.", "%s sessions were ended.", count)
        self.message_user(request, message % count, messages.SUCCESS)
