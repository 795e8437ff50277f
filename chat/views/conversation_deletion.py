"""Deleting conversations, and restoring them."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from chat.http.get_or_404 import find_deleted, get_conversation_or_404
from chat.http.request import Request, owner_id
from chat.models import Conversation
from chat.page.decorators import with_page_state
from chat.page.list_response import list_with_undo_notice
from chat.page.state import PageState
from chat.page.undo_notice import DELETED, undo_notice_for
from chat.services import conversation_deletion


@require_POST
@with_page_state
def delete(request: Request, page_state: PageState, pk: UUID) -> HttpResponse:
    """Delete a conversation; harmless to repeat.

    A page that shows the conversation goes home; others get the new list.
    """
    conversation = find_deleted(owner_id(request), pk)
    if conversation is None:
        conversation = get_conversation_or_404(owner_id(request), pk)
        conversation_deletion.delete(conversation)
        conversation.refresh_from_db(fields=["deleted_at"])
    if not request.htmx:
        return HttpResponseRedirect(_next_page(page_state, pk), status=303)
    if page_state.conversation == pk:
        return HttpResponseClientRedirect(_next_page(page_state, pk))
    return list_with_undo_notice(request, page_state, undo_notice_for(conversation))


def _next_page(page_state: PageState, deleted: UUID) -> str:
    """URL of the page to go to, with the notice about the deleted conversation."""
    if page_state.conversation in (None, deleted):
        page = reverse("home")
    else:
        page = reverse("conversation", args=[page_state.conversation])
    return f"{page}?{DELETED}={deleted}"


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def delete_all(request: HttpRequest) -> HttpResponse:
    """Ask for confirmation (GET), then delete all conversations (POST)."""
    owner = owner_id(request)
    if request.method != "POST":
        count = Conversation.objects.listed().filter(owner_id=owner).count()
        context = {"count": count if owner else 0}
        return render(request, "conversations/delete_all.html", context)
    deleted = conversation_deletion.delete_all(owner) if owner else None
    query = f"?{DELETED}={deleted.pk}" if deleted else ""
    return HttpResponseRedirect(reverse("home") + query, status=303)


@require_POST
@with_page_state
def restore(request: Request, page_state: PageState, pk: UUID) -> HttpResponse:
    """Restore a conversation and those deleted together with it; harmless to repeat."""
    conversation = find_deleted(owner_id(request), pk)
    if conversation is None:
        conversation = get_conversation_or_404(owner_id(request), pk)
        count = 1
    else:
        count = conversation_deletion.restore(conversation)
    if not request.htmx:
        page = reverse("conversation", args=[pk]) if count == 1 else reverse("home")
        return HttpResponseRedirect(page, status=303)
    return list_with_undo_notice(request, page_state)
