"""Variants of a reply: another one, or several at once."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from chat.services import reply_versions
from chat.views.back import answer_again
from chat.views.browser import Request


@require_POST
def vary(request: Request, pk: UUID) -> HttpResponse:
    """``count`` of them; harmless to repeat while they are to come."""
    raw = request.POST.get("count", "1")
    count = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 4 else 0
    return answer_again(request, pk, lambda reply: reply_versions.vary(reply, count))
