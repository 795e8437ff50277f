"""Answers that are files to save: exports of conversations, written piece by piece."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote
from uuid import UUID

from django.http import StreamingHttpResponse
from django.utils import timezone

from chat.models import Conversation
from chat.services.exports.archive import conversations_archive, file_name
from chat.services.exports.documents import conversation_document
from chat.services.exports.markdown import conversation_markdown


def json_response(conversation: Conversation) -> StreamingHttpResponse:
    """A conversation in the format ``chatsite-export``."""
    pieces = conversation_document(conversation)
    return _file(pieces, "application/json", f"{file_name(conversation)}.json")


def markdown_response(conversation: Conversation) -> StreamingHttpResponse:
    """A conversation as Markdown."""
    pieces = conversation_markdown(conversation)
    return _file(pieces, "text/markdown", f"{file_name(conversation)}.md")


def archive_response(owner: UUID | None) -> StreamingHttpResponse:
    """All conversations of a person as a zip archive."""
    name = f"chatsite-conversations-{timezone.localdate():%Y-%m-%d}.zip"
    return _file(conversations_archive(owner), "application/zip", name)


def _file(
    pieces: Iterable[str] | Iterable[bytes], content_type: str, name: str
) -> StreamingHttpResponse:
    is_text = content_type.startswith("text/")
    described = f"{content_type}; charset=utf-8" if is_text else content_type
    response = StreamingHttpResponse(pieces, content_type=described)
    plain = name.encode("ascii", "ignore").decode() or "conversation"
    response.headers["Content-Disposition"] = (
        f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    )
    return response
