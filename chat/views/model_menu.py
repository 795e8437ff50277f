"""The menu under the model in the head of a page, and picking a model from it."""

from __future__ import annotations

from dataclasses import replace
from typing import TypedDict
from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRefresh

from chat.accounts.guests import get_or_create_sender
from chat.http.get_or_404 import get_conversation_or_404
from chat.http.request import Request, owner_id, visitor_or_new
from chat.models import Conversation, User
from chat.page.action_response import error_context, with_refusal_status
from chat.page.decorators import with_page_state
from chat.page.state import PageState
from chat.page.update_response import update_or_redirect
from chat.services.conversations import pick_model
from chat.services.effective_settings import effective_settings, model_to_watch
from chat.services.errors import MessageRefused
from chat.services.jobs.workers import ModelStatus, model_statuses
from chatsite.model_choice import current_catalog

METHODS = ["GET", "HEAD", "POST"]


class ModelMenuContext(TypedDict):
    """For ``workers/_model_menu.html``."""

    #: None for the menu that picks the model of new conversations.
    conversation: Conversation | None
    #: All models of the catalogue, with the state of their workers.
    model_statuses: list[ModelStatus]
    #: The name of the model that answers next.
    model_chosen: str


@never_cache
@require_http_methods(METHODS)
def conversation_model(request: Request, pk: UUID) -> HttpResponse:
    """Get the menu of a conversation, or pick the model of its next replies."""
    conversation = get_conversation_or_404(owner_id(request), pk)
    if request.method == "POST":
        return _pick_for_conversation(request, conversation)
    if not request.htmx:
        page = reverse("conversation_settings", args=[conversation.pk])
        return HttpResponseRedirect(page, status=303)
    return _menu(request, conversation.owner, conversation)


@never_cache
@require_http_methods(METHODS)
def default_model(request: Request) -> HttpResponse:
    """Get the menu of a page without a conversation, or pick the user's model."""
    if request.method == "POST":
        return _pick_for_user(request)
    if not request.htmx:
        return HttpResponseRedirect(reverse("settings"), status=303)
    return _menu(request, visitor_or_new(request))


@with_page_state
def _pick_for_conversation(
    request: Request, page_state: PageState, conversation: Conversation
) -> HttpResponse:
    if (name := _picked(request)) is None:
        return _refused()
    pick_model(conversation, name)
    watched = model_to_watch(conversation).name
    page = reverse("conversation", args=[conversation.pk])
    return _update(request, page_state, watched, page)


@with_page_state
def _pick_for_user(request: Request, page_state: PageState) -> HttpResponse:
    if (name := _picked(request)) is None:
        return _refused()
    try:
        user = get_or_create_sender(request)
    except MessageRefused as refused:  # an anonymous visitor: no guest may be created
        context = error_context(request, refused.message, refused.retry_seconds)
        page = render(request, "composer/_error.html", context)
        return with_refusal_status(page, refused.retry_seconds)
    user.model = name
    user.save(update_fields=["model"])
    if page_state.is_anonymous and request.htmx:
        return HttpResponseClientRefresh()  # as the guest that the visitor is now
    return _update(request, page_state, name, reverse("home"))


def _update(
    request: Request, page_state: PageState, model: str, page: str
) -> HttpResponse:
    """What the page shows of the model, and all that depends on it."""
    after = replace(page_state, model=model, change_counter="", workers_fingerprint="")
    return update_or_redirect(request, after, page)


def _picked(request: Request) -> str | None:
    """The name of a model of the catalogue; None for another one."""
    name = request.POST.get("model", "")
    return name if name in current_catalog().models else None


def _refused() -> HttpResponse:
    return HttpResponse(_("This model is no longer offered."), status=400)


def _menu(
    request: Request, owner: User, conversation: Conversation | None = None
) -> HttpResponse:
    context: ModelMenuContext = {
        "conversation": conversation,
        "model_statuses": model_statuses(),
        "model_chosen": effective_settings(owner, conversation).entry.name,
    }
    return render(request, "workers/_model_menu.html", context)
