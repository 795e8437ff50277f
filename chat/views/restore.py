"""A deleted conversation, brought back."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from chat.services import deleting
from chat.services.watching import NotYours
from chat.views.browser import Request, owner_id
from chat.views.known import BadQuery, Known
from chat.views.lookups import find_deleted, get_conversation_or_404
from chat.views.poll import not_found
from chat.views.updates import update


@require_POST
def restore(request: Request, pk: UUID) -> HttpResponse:
    """With those deleted together with it. Harmless to repeat."""
    try:
        known = Known.from_query(request.POST)
    except BadQuery:
        return HttpResponse(_("This page is out of date. Reload it."), status=400)
    conversation = find_deleted(owner_id(request), pk)
    if conversation is None:
        conversation = get_conversation_or_404(owner_id(request), pk)
        count = 1
    else:
        count = deleting.restore(conversation)
    if not request.htmx:
        page = reverse("conversation", args=[pk]) if count == 1 else reverse("home")
        return HttpResponseRedirect(page, status=303)
    try:
        response = update(request, replace(known, changes=""))
    except (NotYours, Http404):
        return not_found(is_signed_out=False)
    response.write(render_to_string("_undone.html", {"is_oob": True}, request))
    return response
