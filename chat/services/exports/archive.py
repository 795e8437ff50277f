"""All conversations of a person as a zip archive, written while it is downloaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import UUID
from zipfile import ZIP_DEFLATED

from django.utils.text import slugify
from zipstream import ZipStream

from chat.models import Conversation
from chat.services.exports.documents import conversation_document
from chat.services.exports.markdown import conversation_markdown
from chat.services.exports.pages import oldest_first

#: Has one conversation in each line.
LINES_NAME = "conversations.jsonl"
NAME_CHARACTERS = 60


def conversations_archive(owner: UUID | None) -> Iterator[bytes]:
    """Yield pieces of the archive: JSON lines, and Markdown for each conversation.

    Deleted conversations are left out.
    """
    archive = ZipStream(compress_type=ZIP_DEFLATED)
    archive.add(_encoded(_lines(owner)), LINES_NAME)
    yield from archive.file()
    for conversation in _conversations(owner):
        text = _encoded(conversation_markdown(conversation))
        archive.add(text, f"markdown/{file_name(conversation)}.md")
        yield from archive.file()
    yield from archive.finalize()


def file_name(conversation: Conversation) -> str:
    """The words of the title as the name of a file, which no other conversation has."""
    words = slugify(conversation.title[:NAME_CHARACTERS], allow_unicode=True)
    return "-".join(filter(None, (words, conversation.pk.hex[:12])))


def _conversations(owner: UUID | None) -> Iterator[Conversation]:
    return oldest_first(Conversation.objects.listed().filter(owner_id=owner))


def _lines(owner: UUID | None) -> Iterator[str]:
    for conversation in _conversations(owner):
        yield from conversation_document(conversation)


def _encoded(pieces: Iterable[str]) -> Iterator[bytes]:
    for piece in pieces:
        yield piece.encode("utf-8", "replace")
