"""The answer to deleting and restoring: the list, with or without an undo notice."""

from __future__ import annotations

from dataclasses import replace

from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from chat.page.state import PageState
from chat.page.undo_notice import UndoNotice
from chat.page.update_response import update
from chat.services.jobs.status import NotOwner


def list_with_undo_notice(
    request: HttpRequest, page_state: PageState, undo_notice: UndoNotice | None = None
) -> HttpResponse:
    """The current list of conversations, and the undo notice or an empty place for it.

    A page whose own conversation is not its owner's any more is redirected home.
    """
    try:
        response = update(request, replace(page_state, change_counter=""))
    except (NotOwner, Http404):
        return HttpResponseClientRedirect(reverse("home"))
    context = {"undo_notice": undo_notice, "is_oob": True}
    response.write(render_to_string("conversations/_undo_slot.html", context, request))
    return response
