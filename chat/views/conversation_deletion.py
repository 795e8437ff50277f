"""Deleting one conversation."""

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
from chat.page.conversation_list import list_with_undo_notice
from chat.page.state import InvalidPageState, PageState
from chat.page.undo_notice import DELETED, undo_notice_for
from chat.services import conversation_deletion
from chat.views.poll import out_of_date


@require_POST
def delete(request: Request, pk: UUID) -> HttpResponse:
    """Harmless to repeat. A page that shows it goes home, others stay as they are."""
    try:
        known = PageState.from_query(request.POST)
    except InvalidPageState:
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
    return list_with_undo_notice(request, known, undo_notice_for(conversation))


def _page(known: PageState, pk: UUID) -> str:
    """The page to go on with, which says what was deleted."""
    is_open = known.conversation in (None, pk)
    page = reverse("home") if is_open else _conversation(known)
    return f"{page}?{DELETED}={pk}"


def _conversation(known: PageState) -> str:
    return reverse("conversation", args=[known.conversation])


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def delete_all(request: HttpRequest) -> HttpResponse:
    owner = owner_id(request)
    if request.method != "POST":
        count = Conversation.objects.not_deleted().filter(owner_id=owner).count()
        return render(
            request, "conversations/delete_all.html", {"count": count if owner else 0}
        )
    deleted = conversation_deletion.delete_all(owner) if owner else None
    note = f"?{DELETED}={deleted.pk}" if deleted else ""
    return HttpResponseRedirect(reverse("home") + note, status=303)


@require_POST
def restore(request: Request, pk: UUID) -> HttpResponse:
    """With those deleted together with it. Harmless to repeat."""
    try:
        known = PageState.from_query(request.POST)
    except InvalidPageState:
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
    return list_with_undo_notice(request, known)
