"""Pages that poll."""

from __future__ import annotations

from django.test import Client

from chat.models import Reply


def page_of(tab: Client, reply: Reply):
    return tab.get(f"/c/{reply.message.conversation_id}/")
