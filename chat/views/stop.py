"""Stopping a reply: held, in line or being written."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from chat.services import stopping
from chat.services.watching import NotYours
from chat.views.browser import Request, owner_id
from chat.views.known import BadQuery, Known
from chat.views.lookups import get_reply_or_404
from chat.views.poll import not_found
from chat.views.updates import update


@require_POST
def stop(request: Request, pk: UUID) -> HttpResponse:
    """The text so far is kept. Harmless to repeat, and once the reply has ended."""
    try:
        known = Known.from_query(request.POST)
    except BadQuery:
        return HttpResponse("This page is out of date. Reload it.", status=400)
    reply = get_reply_or_404(owner_id(request), pk)
    if not reply.is_terminal:
        stopping.stop(reply)
    if not request.htmx:
        page = reverse("conversation", args=[reply.message.conversation_id])
        return HttpResponseRedirect(f"{page}#reply-{reply.pk}", status=303)
    try:
        return update(request, known.after_action(reply.message.conversation_id))
    except NotYours as refused:
        return not_found(is_signed_out=refused.is_signed_out)
