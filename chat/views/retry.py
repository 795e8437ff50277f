"""Another reply to a prompt whose reply failed or was stopped."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from chat.services import retrying
from chat.services.refusal import PromptRefused
from chat.views.back import back_to, refused_page
from chat.views.browser import owner_id
from chat.views.lookups import get_reply_or_404


@require_POST
def retry(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Harmless to repeat: while one is to come, there is no second."""
    reply = get_reply_or_404(owner_id(request), pk)
    try:
        fresh = retrying.retry(reply)
    except PromptRefused as refused:
        return refused_page(request, reply, refused)
    return back_to(fresh)
