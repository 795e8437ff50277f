"""The messages before those that a page shows, to be put above them."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chat.services.effective_settings import preferred
from chat.services.jobs.status import NotYours
from chat.views.browser import owner_id
from chat.views.known import Known
from chat.views.lookups import get_conversation_or_404
from chat.views.page import message_context
from chat.views.thread import Thread
from chat.views.window import before


@require_safe
@never_cache
def earlier(request: HttpRequest, pk: UUID) -> HttpResponse:
    """``?before=`` the first message shown."""
    conversation = get_conversation_or_404(owner_id(request), pk)
    entry = preferred(conversation.owner, conversation).entry
    try:
        window = before(conversation, UUID(request.GET.get("before", "")))
        thread, view = Thread.of(request, entry.name, window)
    except (ValueError, NotYours) as error:
        raise Http404 from error
    known = thread.known(Known(), "")
    context = {"thread": thread, "view": view, "label": entry.label, "known": known}
    return render(request, "_earlier.html", context | message_context())
