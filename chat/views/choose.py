"""Which version of a message the conversation goes on from."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_POST

from chat.services import reply_versions
from chat.services.errors import PromptRefused
from chat.views.back import page_with
from chat.views.browser import Request, owner_id
from chat.views.lookups import get_message_or_404


@require_POST
def choose(request: Request, pk: UUID) -> HttpResponse:
    message = get_message_or_404(owner_id(request), pk)
    try:
        reply_versions.choose(message)
    except PromptRefused as deleted:
        raise Http404 from deleted
    return page_with(request, message)
