"""Another reply to a prompt whose reply failed or was stopped."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from chat.services import reply_versions
from chat.views.back import answer_again
from chat.views.browser import Request


@require_POST
def retry(request: Request, pk: UUID) -> HttpResponse:
    """Harmless to repeat: while one is to come, there is no second."""
    return answer_again(request, pk, reply_versions.retry)
