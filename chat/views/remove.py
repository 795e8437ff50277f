"""A held prompt, removed before its turn came."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from chat.services import held_messages
from chat.views.back import back_to
from chat.views.browser import owner_id
from chat.views.lookups import get_reply_or_404


@require_POST
def remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One whose turn has come stays; there is Stop for it."""
    reply = get_reply_or_404(owner_id(request), pk)
    conversation = reply.message.conversation_id
    try:
        held_messages.remove(reply)
    except held_messages.HasStarted:
        return back_to(reply)
    page = reverse("conversation", args=[conversation])
    return HttpResponseRedirect(page, status=303)
