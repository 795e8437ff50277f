"""Deleting one conversation."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from chat.services import conversation_deletion
from chat.views.browser import Request, owner_id
from chat.views.known import BadQuery, Known
from chat.views.lookups import find_deleted, get_conversation_or_404
from chat.views.noted import list_with_note
from chat.views.poll import out_of_date
from chat.views.undo import DELETED, undo_of


@require_POST
def delete(request: Request, pk: UUID) -> HttpResponse:
    """Harmless to repeat. A page that shows it goes home, others stay as they are."""
    try:
        known = Known.from_query(request.POST)
    except BadQuery:
        return out_of_date()
    conversation = find_deleted(owner_id(request), pk)
    if conversation is None:
        conversation = get_conversation_or_404(owner_id(request), pk)
        conversation_deletion.delete(conversation)
        conversation.refresh_from_db(fields=["deleted_at"])
    if not request.htmx:
        return HttpResponseRedirect(_page(known, pk), status=303)
    if known.conversation == pk:
        return HttpResponseClientRedirect(_page(known, pk))
    return list_with_note(request, known, undo_of(conversation))


def _page(known: Known, pk: UUID) -> str:
    """The page to go on with, which says what was deleted."""
    is_open = known.conversation in (None, pk)
    page = reverse("home") if is_open else _conversation(known)
    return f"{page}?{DELETED}={pk}"


def _conversation(known: Known) -> str:
    return reverse("conversation", args=[known.conversation])
