"""Tags for what a page shows many times: entries of the list, and messages."""

from __future__ import annotations

from django import template
from django.template.context import RequestContext
from django.utils.safestring import SafeString

from chat.rendering.prerender import prerendered
from chat.services.conversation_list import ListItem

register = template.Library()


@register.simple_tag(takes_context=True)
def conversation_item(context: RequestContext, item: ListItem) -> SafeString:
    """One entry of the list of conversations, with its menu."""
    conversation = item.conversation
    page_state = context.get("page_state")
    shown = page_state.conversation if page_state else None
    return prerendered(
        "conversations/_list_item.html",
        {"badge": item.badge, "is_current": conversation.pk == shown},
        {"pk": conversation.pk, "title": conversation.title},
    )
