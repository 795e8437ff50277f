"""Invitations in the admin: read only, since the account pages make and revoke them."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from chat.admin.support import IsSetFilter, ReadOnlyAdmin, titled
from chat.models import Invitation


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """The list of invitations, without their secrets."""

    list_display = ("id", "note", "created_by", "created_at", "expires_at", "used_by")
    list_filter = (
        ("used_at", titled(_("used"), IsSetFilter)),
        ("expires_at", titled(_("expires"))),
    )
    list_select_related = ("created_by", "used_by")
    search_fields = ("note", "created_by__username", "used_by__username")
    search_help_text = _("A note, or the name of the inviter or the invited.")
    id_fields = ("pk", "created_by", "used_by")
    fields = (
        *("id", "note", "created_by", "created_at"),
        *("expires_at", "used_at", "used_by"),
    )
