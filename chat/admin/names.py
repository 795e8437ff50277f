"""What the admin calls models and their columns, in the language of the page.

Only the admin shows these names, so they need no migration.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from chat.models import (
    ApiKey,
    Conversation,
    Invitation,
    Reply,
    Session,
    User,
    WebhookEndpoint,
)

#: One row, and many.
MODELS = {
    ApiKey: (_("API key"), _("API keys")),
    Conversation: (_("conversation"), _("conversations")),
    Invitation: (_("invitation"), _("invitations")),
    Reply: (_("reply"), _("replies")),
    Session: (_("session"), _("sessions")),
    User: (_("user"), _("users")),
    WebhookEndpoint: (_("webhook"), _("webhooks")),
}
#: By the names of their fields; what is absent has Django's name or an id's.
COLUMNS = {
    "attempt": _("attempt"),
    "can_batch": _("may run batches"),
    "can_chat": _("may send messages"),
    "can_read_history": _("may read conversations"),
    "closed_at": _("closed"),
    "created_at": _("created"),
    "created_by": _("created by"),
    "deleted_at": _("deleted"),
    "device": _("device"),
    "disabled_at": _("switched off"),
    "disabled_reason": _("why switched off"),
    "dropped_turns": _("messages left out"),
    "email": _("email"),
    "error": _("error"),
    "events": _("events"),
    "expires_at": _("expires"),
    "finished_at": _("finished"),
    "first_text_at": _("first text"),
    "has_unread": _("unread reply"),
    "is_active": _("active"),
    "is_helper": _("lets people go first"),
    "is_length_limited": _("stopped at its length limit"),
    "is_model_picked": _("model was picked"),
    "is_staff": _("staff"),
    "joined_at": _("joined"),
    "keeps_conversations": _("keeps conversations"),
    "last_success_at": _("last answered"),
    "last_used_at": _("last used"),
    "limits": _("limits"),
    "losses": _("lost workers"),
    "model": _("model"),
    "new_tokens": _("output tokens"),
    "note": _("note"),
    "precision": _("precision"),
    "prefix": _("beginning"),
    "prompt_tokens": _("input tokens"),
    "published_at": _("published"),
    "queued_at": _("queued"),
    "revision": _("revision"),
    "revoked_at": _("revoked"),
    "seen_at": _("last seen"),
    "started_at": _("started"),
    "state": _("state"),
    "stop_requested_at": _("stop requested"),
    "used_at": _("used"),
    "used_by": _("used by"),
    "worker": _("worker"),
}


def name_models() -> None:
    """Give models and fields these names."""
    for model, (one, many) in MODELS.items():
        model._meta.verbose_name, model._meta.verbose_name_plural = one, many
        for field in model._meta.fields:
            if field.name in COLUMNS:
                field.verbose_name = COLUMNS[field.name]
