"""Pinning conversations, and moving them to the archive and back."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from chat.http.get_or_404 import get_conversation_or_404
from chat.http.request import Request, owner_id
from chat.page.decorators import with_page_state
from chat.page.list_response import list_with_undo_notice
from chat.page.state import PageState
from chat.page.undo_notice import ARCHIVED, UndoNotice
from chat.page.update_response import update_or_redirect
from chat.services import conversation_keeping, temporary_chats


@require_POST
@with_page_state
def pin(request: Request, page_state: PageState, pk: UUID) -> HttpResponse:
    """List a conversation above the others; harmless to repeat."""
    return _pin(request, page_state, pk, is_pinned=True)


@require_POST
@with_page_state
def unpin(request: Request, page_state: PageState, pk: UUID) -> HttpResponse:
    """List a conversation by its time again; harmless to repeat."""
    return _pin(request, page_state, pk, is_pinned=False)


@require_POST
@with_page_state
def archive(request: Request, page_state: PageState, pk: UUID) -> HttpResponse:
    """Move a conversation to the archive; harmless to repeat.

    A page that shows it goes home, as after deleting; others get the new list.
    """
    conversation = get_conversation_or_404(owner_id(request), pk)
    conversation_keeping.archive(conversation, is_archived=True)
    page = _page(page_state, left=pk)
    if not request.htmx:
        return HttpResponseRedirect(f"{page}?{ARCHIVED}={pk}", status=303)
    if page_state.conversation == pk:
        return HttpResponseClientRedirect(f"{page}?{ARCHIVED}={pk}")
    notice = UndoNotice(conversation, is_archived=True)
    return list_with_undo_notice(request, page_state, notice)


@require_POST
@with_page_state
def unarchive(request: Request, page_state: PageState, pk: UUID) -> HttpResponse:
    """Move a conversation back into the list; harmless to repeat."""
    conversation = get_conversation_or_404(owner_id(request), pk)
    conversation_keeping.archive(conversation, is_archived=False)
    if request.htmx:
        return list_with_undo_notice(request, page_state)
    if "archive" in request.POST:
        return HttpResponseRedirect(reverse("archived"), status=303)
    return HttpResponseRedirect(reverse("conversation", args=[pk]), status=303)


@require_POST
@with_page_state
def keep(request: Request, page_state: PageState, pk: UUID) -> HttpResponse:
    """Make a temporary chat an ordinary conversation; harmless to repeat."""
    conversation = get_conversation_or_404(owner_id(request), pk)
    temporary_chats.keep(conversation)
    state = replace(page_state, change_counter="", look_due_at=0)
    page = reverse("conversation", args=[pk])
    return update_or_redirect(request, state, page)


def _pin(
    request: Request, page_state: PageState, pk: UUID, *, is_pinned: bool
) -> HttpResponse:
    conversation = get_conversation_or_404(owner_id(request), pk)
    conversation_keeping.pin(conversation, is_pinned=is_pinned)
    state = replace(page_state, change_counter="")
    return update_or_redirect(request, state, _page(page_state))


def _page(page_state: PageState, left: UUID | None = None) -> str:
    """URL of the page that asked, or home where it shows what is ``left``."""
    shown = page_state.conversation
    if shown in (None, left):
        return reverse("home")
    return reverse("conversation", args=[shown])
