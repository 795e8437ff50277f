"""The list of a page, with the note that something was deleted, or without it."""

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
    request: HttpRequest, known: PageState, undo: UndoNotice | None = None
) -> HttpResponse:
    """The list as it is now, and the note with the way back, or none."""
    try:
        response = update(request, replace(known, changes=""))
    except (NotOwner, Http404):
        # It was done, whatever else the page says it shows: it is loaded anew.
        return HttpResponseClientRedirect(reverse("home"))
    note = {"undo": undo, "is_oob": True}
    response.write(render_to_string("conversations/_undo_slot.html", note, request))
    return response
