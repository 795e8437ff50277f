"""Deleting one conversation."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from chat.models import Conversation
from chat.services import deleting
from chat.services.watching import NotYours
from chat.views.browser import Request, owner_id
from chat.views.known import BadQuery, Known
from chat.views.lookups import find_deleted, get_conversation_or_404
from chat.views.poll import not_found
from chat.views.undo import DELETED, undo_of
from chat.views.updates import update


@require_POST
def delete(request: Request, pk: UUID) -> HttpResponse:
    """Harmless to repeat. A page that shows it goes home, others stay as they are."""
    try:
        known = Known.from_query(request.POST)
    except BadQuery:
        return HttpResponse(_("This page is out of date. Reload it."), status=400)
    conversation = find_deleted(owner_id(request), pk)
    if conversation is None:
        conversation = get_conversation_or_404(owner_id(request), pk)
        deleting.delete(conversation)
        conversation.refresh_from_db(fields=["deleted_at"])
    if not request.htmx:
        return HttpResponseRedirect(_page(known, pk), status=303)
    if known.conversation == pk:
        return HttpResponseClientRedirect(_page(known, pk))
    return _deleted(request, known, conversation)


def _page(known: Known, pk: UUID) -> str:
    """The page to go on with, which says what was deleted."""
    is_open = known.conversation in (None, pk)
    page = reverse("home") if is_open else _conversation(known)
    return f"{page}?{DELETED}={pk}"


def _conversation(known: Known) -> str:
    return reverse("conversation", args=[known.conversation])


def _deleted(
    request: Request, known: Known, conversation: Conversation
) -> HttpResponse:
    """The list without it, and the note with the way back."""
    try:
        response = update(request, replace(known, changes=""))
    except (NotYours, Http404):
        return not_found(is_signed_out=False)
    note = {"undo": undo_of(conversation), "is_oob": True}
    response.write(render_to_string("_undone.html", note, request))
    return response
