"""A held prompt, sent although the reply before it failed or was stopped."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from chat.services import held_messages
from chat.views.back import back_to
from chat.views.browser import owner_id
from chat.views.lookups import get_reply_or_404


@require_POST
def proceed(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Harmless to repeat, and once its turn has come."""
    reply = get_reply_or_404(owner_id(request), pk)
    # What was wanted has happened, or was settled from another tab.
    with suppress(held_messages.HasStarted):
        held_messages.proceed(reply)
    return back_to(reply)
