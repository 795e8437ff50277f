"""One conversation as a file to save."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chat.http.downloads import json_response, markdown_response
from chat.http.get_or_404 import get_conversation_or_404
from chat.http.request import owner_id


@never_cache
@require_safe
def export_json(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Stream a conversation with all versions and details as JSON."""
    return json_response(get_conversation_or_404(owner_id(request), pk))


@never_cache
@require_safe
def export_markdown(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Stream the path of a conversation that its page shows as Markdown."""
    return markdown_response(get_conversation_or_404(owner_id(request), pk))
