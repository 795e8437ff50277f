"""Stores what was confirmed: one transaction for each conversation, and each once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4, uuid5

from django.db import IntegrityError, transaction
from django.utils import timezone

from chat.models import (
    Conversation,
    ConversationImport,
    ConversationSource,
    EntryState,
    ImportEntry,
    ImportStatus,
    Origin,
)
from chat.services.advisory_lock import advisory_lock
from chat.services.copied_messages import NewMessage, insert_messages
from chat.services.imports.packed_messages import unpacked
from chat.services.imports.reading import duplicate_of

KEPT = ("instructions", "model", "settings", "is_pinned", "is_archived")


def store_import(of_import: ConversationImport) -> Iterator[None]:
    """Store the entries that wait, a step for each."""
    waiting = of_import.entries.filter(state=EntryState.WAITING)
    while (entry := waiting.first()) is not None:
        try:
            _store(of_import, entry)
        except IntegrityError:  # another import stored it a moment ago
            _end(entry, EntryState.DUPLICATE)
        yield
    of_import.move(ImportStatus.IMPORTING, ImportStatus.DONE, ended_at=timezone.now())


def fail_entry(of_import: ConversationImport) -> None:
    """Give up the entry at which storing failed."""
    entry = of_import.entries.filter(state=EntryState.WAITING).first()
    if entry is not None:
        _end(entry, EntryState.FAILED)


def _end(entry: ImportEntry, state: EntryState, conversation: Any = None) -> bool:
    mine = ImportEntry.objects.filter(pk=entry.pk, state=EntryState.WAITING)
    return bool(mine.update(state=state, content=b"", conversation=conversation))


@transaction.atomic
def _store(of_import: ConversationImport, entry: ImportEntry) -> None:
    owner = of_import.owner
    advisory_lock([f"imports:{owner.pk}"])
    if (same := duplicate_of(owner, entry)) is not None:
        _end(entry, EntryState.DUPLICATE, same)
        return
    fields = entry.fields
    conversation = Conversation.objects.create(
        owner=owner,
        title=entry.title,
        created_at=datetime.fromisoformat(fields["created_at"]),
        **{name: fields[name] for name in KEPT if name in fields},
    )
    if not _end(entry, EntryState.DONE, conversation.pk):
        transaction.set_rollback(True)  # another keeper has stored it
        return
    ids = sorted(uuid4() for _ in range(entry.shown + entry.others))
    messages = _messages(conversation.pk, bytes(entry.content), ids)
    insert_messages(conversation, messages, Origin.IMPORTED)
    Conversation.objects.filter(pk=conversation.pk).update(
        active_leaf=ids[fields["active"]],
        updated_at=datetime.fromisoformat(fields["updated_at"]),
    )
    ConversationSource.objects.filter(
        owner=owner,
        source=entry.source,
        source_id=entry.source_id,
        digest=entry.digest,
    ).delete()  # of one that was deleted, and can still be restored
    ConversationSource.objects.create(
        conversation=conversation,
        owner=owner,
        source=entry.source,
        source_id=entry.source_id,
        digest=entry.digest,
    )


def _messages(
    conversation: UUID, content: bytes, ids: list[UUID]
) -> Iterator[NewMessage]:
    """Their ids grow like their numbers, which decides between messages of one time."""
    for number, (parent, _role, text, created_at, reply) in enumerate(
        unpacked(content)
    ):
        if reply and reply.get("batch"):
            reply["batch"] = uuid5(conversation, reply["batch"])
        above = None if parent is None else ids[parent]
        yield NewMessage(text, created_at, above, reply, ids[number])
