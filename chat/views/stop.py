"""Stopping a reply: held, in line or being written."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from chat.services import reply_stop
from chat.views.back import page_after
from chat.views.browser import Request, owner_id
from chat.views.lookups import get_reply_or_404


@require_POST
def stop(request: Request, pk: UUID) -> HttpResponse:
    """The text so far is kept. Harmless to repeat, and once the reply has ended.

    With ``together``, also those that were asked for together with it.
    """
    reply = get_reply_or_404(owner_id(request), pk)
    together = reply_stop.together(reply) if "together" in request.POST else [reply]
    for each in together:
        if not each.is_terminal:
            reply_stop.stop(each)
    return page_after(request, reply)
