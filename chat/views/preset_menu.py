"""The presets that "/" offers in the message box, and how one is applied."""

from __future__ import annotations

from dataclasses import replace
from typing import TypedDict
from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from chat.http.get_or_404 import get_conversation_or_404
from chat.http.request import Request, owner_id
from chat.models import Conversation
from chat.page.action_response import error_context, with_refusal_status
from chat.page.decorators import with_page_state
from chat.page.state import PageState
from chat.page.update_response import update_or_redirect
from chat.services.effective_settings import model_to_watch
from chat.services.errors import MessageRefused
from chat.services.presets import (
    OfferedPreset,
    apply_preset,
    find_preset,
    offered_presets,
)
from chat.views.settings import conversation_settings_page


class PresetMenuContext(TypedDict):
    """For ``presets/_menu.html``."""

    #: None for the menu that picks the preset of a new conversation.
    conversation: Conversation | None
    presets: list[OfferedPreset]


@never_cache
@require_safe
def preset_menu(request: Request) -> HttpResponse:
    """Get the presets that a new conversation can begin with."""
    if not request.htmx:
        return HttpResponseRedirect(reverse("presets"), status=303)
    return _menu(request, None)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def conversation_preset(request: Request, pk: UUID) -> HttpResponse:
    """Get the presets that a conversation can take, or apply one to it."""
    conversation = get_conversation_or_404(owner_id(request), pk)
    if request.method == "POST":
        return _apply(request, conversation)
    if not request.htmx:
        page = reverse("conversation_settings", args=[conversation.pk])
        return HttpResponseRedirect(page, status=303)
    return _menu(request, conversation)


@with_page_state
def _apply(
    request: Request, page_state: PageState, conversation: Conversation
) -> HttpResponse:
    picked = request.POST.get("preset", "")
    try:
        apply_preset(conversation, find_preset(conversation.owner_id, picked))
    except MessageRefused as refused:
        if not request.htmx:
            return conversation_settings_page(request, conversation, refused.message)
        context = error_context(request, refused.message, refused.retry_seconds)
        error = render(request, "composer/_error.html", context)
        return with_refusal_status(error, refused.retry_seconds)
    if not request.htmx:
        settings = reverse("conversation_settings", args=[conversation.pk])
        return HttpResponseRedirect(f"{settings}?applied", status=303)
    after = replace(
        page_state,
        model=model_to_watch(conversation).name,
        change_counter="",
        workers_fingerprint="",
    )
    url = reverse("conversation", args=[conversation.pk])
    return update_or_redirect(request, after, url)


def _menu(request: Request, conversation: Conversation | None) -> HttpResponse:
    context: PresetMenuContext = {
        "conversation": conversation,
        "presets": offered_presets(owner_id(request)),
    }
    return render(request, "presets/_menu.html", context)
