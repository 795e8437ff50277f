"""API calls that return conversations as files."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Router

from chat.api.access import Access
from chat.api.export_data import ExportedConversation
from chat.api.key_access import BY_ITS_ID
from chat.http.downloads import archive_response, json_response, markdown_response
from chat.http.get_or_404 import get_conversation_or_404
from chat.http.request import owner_id

router = Router(tags=["Export"])
MAY_READ = Access("can_chat", "can_read_history", own_by=BY_ITS_ID)


def _of_type(content_type: str) -> dict[str, Any]:
    """What the document says of an answer that is no JSON."""
    content = {content_type: {"schema": {"type": "string", "format": "binary"}}}
    return {"responses": {200: {"description": "OK", "content": content}}}


@router.get(
    "/conversations/{uuid:pk}/export", auth=MAY_READ, response=ExportedConversation
)
def export_conversation(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Export a conversation as JSON, with all versions and details."""
    return json_response(get_conversation_or_404(owner_id(request), pk))


@router.get(
    "/conversations/{uuid:pk}/markdown",
    auth=MAY_READ,
    openapi_extra=_of_type("text/markdown"),
)
def export_markdown(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Export the path of a conversation that its page shows as Markdown."""
    return markdown_response(get_conversation_or_404(owner_id(request), pk))


@router.get(
    "/export",
    auth=Access("can_read_history"),
    openapi_extra=_of_type("application/zip"),
)
def export_all(request: HttpRequest) -> HttpResponseBase:
    """Export all conversations as a zip: JSON lines, and Markdown for each."""
    return archive_response(owner_id(request))
