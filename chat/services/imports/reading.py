"""Reads the file of an import into entries, a step at a time.

What is read is lost with its keeper, and the next one begins again. Each write requires
that this keeper still has the claim, so two never write entries of one file.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import IO, Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from chat.models import (
    Conversation,
    ConversationImport,
    ConversationSource,
    EntryState,
    ImportEntry,
    ImportStatus,
    User,
)
from chat.models.conversation import title_from
from chat.models.file_pieces import PIECE_BYTES
from chat.services.imports.json_values import PAUSE, TOO_LARGE, values_in
from chat.services.imports.message_tree import MessageTree, tree_of
from chat.services.imports.packed_messages import packed
from chat.services.imports.source_files import json_files
from chat.services.imports.source_messages import ImportRefused, SourceConversation
from chat.services.imports.sources import conversation_of, shrink
from chat.text_cleanup import as_line

#: How often a keeper may die while it reads a file, or stores one entry.
TRIES_MAX = 3
TITLE_CHARACTERS = 200
#: What the replies of a program are called where a file names no model.
MODELS = {
    "chatgpt": "ChatGPT",
    "claude": "Claude",
    "open-webui": "Open WebUI",
    "librechat": "LibreChat",
    "chat-ui": "chat-ui",
}


class PieceFile(io.RawIOBase):
    """The file of an import, of which one piece is in memory."""

    def __init__(self, of_import: ConversationImport) -> None:
        self._import = of_import
        self._place = self.farthest = 0
        self._number, self._piece = -1, b""

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """The place of the next byte."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        bases = {io.SEEK_CUR: self._place, io.SEEK_END: self._import.size_bytes}
        self._place = max(0, bases.get(whence, 0) + offset)
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Read up to the end of the piece."""
        if self._place >= self._import.size_bytes:
            return 0
        number, within = divmod(self._place, PIECE_BYTES)
        if number != self._number:
            self._number, self._piece = number, self._import.piece(number)
        part = self._piece[within : within + len(buffer)]
        buffer[: len(part)] = part
        self._place += len(part)
        self.farthest = max(self.farthest, self._place)
        return len(part)


def read_import(of_import: ConversationImport) -> Iterator[None]:
    """Save the entries of a file, and show them to its owner or say why not."""
    try:
        yield from _read(of_import)
    except ImportRefused as refused:
        refuse(of_import, refused.code)


def refuse(of_import: ConversationImport, code: str) -> None:
    """End an import that was not read; nothing of it stays."""
    fields = {"error": code, "ended_at": timezone.now()}
    with transaction.atomic():
        if of_import.move(ImportStatus.READING, ImportStatus.REFUSED, **fields):
            of_import.entries.all().delete()
            of_import.pieces.all().delete()


class ClaimLost(Exception):
    """Another keeper has taken the import over, or its owner has deleted it."""


def _read(of_import: ConversationImport) -> Iterator[None]:
    _note(of_import, 0)
    of_import.refresh_from_db(fields=["tries"])
    if of_import.tries > TRIES_MAX:
        raise ImportRefused("unreadable")
    of_import.entries.all().delete()
    file = PieceFile(of_import)
    numbers, known, broken, unknown = count(1), set[bytes](), 0, 0
    most = settings.IMPORT_CONVERSATIONS_MAX
    for value in _values(lambda: io.BufferedReader(file)):
        if value is PAUSE:
            _note(of_import, file.farthest)
            yield
            continue
        found = None if value is TOO_LARGE else conversation_of(value)
        entry = None if found is None else _entry(of_import, found, known)
        if entry is None:
            broken, unknown = broken + 1, unknown + (value is not TOO_LARGE)
        else:
            entry.number = next(numbers)
            _note(of_import, file.farthest, entry)
        if max(broken, entry.number if entry else 0) > most:
            raise ImportRefused("too_many_conversations")
        yield
    is_empty = next(numbers) == 1
    if is_empty and unknown:
        raise ImportRefused("unknown_format")
    _end_reading(of_import, broken)


def _end_reading(of_import: ConversationImport, broken: int) -> None:
    """Show what was read to its owner; it is over if there is nothing to store."""
    is_new = of_import.entries.filter(state=EntryState.WAITING).exists()
    of_import.move(
        ImportStatus.READING,
        ImportStatus.READY if is_new else ImportStatus.DONE,
        broken=broken,
        read_bytes=of_import.size_bytes,
        claimed_until=None,
        ended_at=None if is_new else timezone.now(),
    )
    with transaction.atomic():
        of_import.pieces.all().delete()


@transaction.atomic
def _note(
    of_import: ConversationImport, read_bytes: int, entry: ImportEntry | None = None
) -> None:
    """Note how far reading is, and save an entry. Raises ``ClaimLost``."""
    mine = ConversationImport.objects.filter(
        pk=of_import.pk, status=ImportStatus.READING, claimed_by=of_import.claimed_by
    )
    if not mine.update(read_bytes=read_bytes):
        raise ClaimLost
    if entry is not None:
        entry.save(force_insert=True)


def _values(open_file: Callable[[], IO[bytes]]) -> Iterator[Any]:
    for _name, content in json_files(open_file):
        yield from values_in(content, shrink)


def _entry(
    of_import: ConversationImport, found: SourceConversation, known: set[bytes]
) -> ImportEntry | None:
    """The entry of a conversation; None if it has no message, or is too large.

    ``known`` are digests of those that the file had before.
    """
    try:
        tree = tree_of(found)
    except ImportRefused:
        return None
    if not tree.messages or tree.active is None:
        return None
    content, digest = packed(tree, MODELS.get(found.source, found.source))
    shown = tree.path_length
    entry = ImportEntry(
        of_import=of_import,
        source=found.source,
        source_id=found.id,
        digest=digest,
        title=_title(found, tree),
        shown=shown,
        others=len(tree.messages) - shown,
        left_out={kind: n for kind, n in tree.left_out.items() if n},
        fields=_fields(found, tree),
        content=content,
    )
    entry.conversation_id = duplicate_of(of_import.owner, entry)
    own = sha256(f"{found.source}\n{digest}\n{found.id}".encode()).digest()
    if entry.conversation_id or own in known:
        entry.state, entry.content = EntryState.DUPLICATE, b""
    known.add(own)
    return entry


def _title(found: SourceConversation, tree: MessageTree) -> str:
    title = as_line(found.title)[:TITLE_CHARACTERS]
    first = next((one.text for one in tree.messages if one.text.strip()), "")
    return title or title_from(first) or "…"


def _fields(found: SourceConversation, tree: MessageTree) -> dict[str, Any]:
    """Fields of the conversation, with times in ISO 8601."""
    created_at = found.created_at or tree.messages[0].created_at
    updated_at = found.updated_at or tree.messages[-1].created_at
    return {
        **found.fields,
        "instructions": found.instructions,
        "created_at": created_at.isoformat(),
        "updated_at": max(created_at, updated_at).isoformat(),
        "active": tree.active.number if tree.active else 0,
    }


def duplicate_of(owner: User, entry: ImportEntry) -> Any:
    """The id of the same conversation that the owner has; None without one."""
    same = ConversationSource.objects.filter(
        owner=owner,
        source=entry.source,
        source_id=entry.source_id,
        digest=entry.digest,
        conversation__deleted_at=None,
    )
    found = same.values_list("conversation_id", flat=True).first()
    if found is None and entry.source == "chatsite":
        return _exported_from_here(owner, entry)
    return found


def _exported_from_here(owner: User, entry: ImportEntry) -> Any:
    """The conversation that an export of this account is of, if it did not change."""
    try:
        updated_at = datetime.fromisoformat(entry.fields["updated_at"])
        own = Conversation.objects.listed().filter(owner=owner, pk=entry.source_id)
        second = timedelta(seconds=1)
        near = own.filter(
            updated_at__gt=updated_at - second, updated_at__lt=updated_at + second
        )
        return near.values_list("pk", flat=True).first()
    except (ValueError, TypeError):
        return None
    except Exception as error:
        if type(error).__name__ == "ValidationError":
            return None
        raise
