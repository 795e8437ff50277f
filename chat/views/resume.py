"""A reply that was cut off, gone on with."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from chat.services import reply_versions
from chat.views.back import answer_again
from chat.views.browser import Request


@require_POST
def resume(request: Request, pk: UUID) -> HttpResponse:
    return answer_again(request, pk, reply_versions.resume)
