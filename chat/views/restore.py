"""A deleted conversation, brought back."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from chat.services import conversation_deletion
from chat.views.browser import Request, owner_id
from chat.views.known import BadQuery, Known
from chat.views.lookups import find_deleted, get_conversation_or_404
from chat.views.noted import list_with_note
from chat.views.poll import out_of_date


@require_POST
def restore(request: Request, pk: UUID) -> HttpResponse:
    """With those deleted together with it. Harmless to repeat."""
    try:
        known = Known.from_query(request.POST)
    except BadQuery:
        return out_of_date()
    conversation = find_deleted(owner_id(request), pk)
    if conversation is None:
        conversation = get_conversation_or_404(owner_id(request), pk)
        count = 1
    else:
        count = conversation_deletion.restore(conversation)
    if not request.htmx:
        page = reverse("conversation", args=[pk]) if count == 1 else reverse("home")
        return HttpResponseRedirect(page, status=303)
    return list_with_note(request, known)
