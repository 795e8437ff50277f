"""Stores what was confirmed: each conversation once, and only as a whole.

A keeper that is killed within a long one leaves a copy that nothing shows; the next
keeper stores the entry again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.utils import timezone

from chat.models import (
    ConversationImport,
    ConversationSource,
    EntryState,
    ImportEntry,
    ImportStatus,
    Origin,
    User,
)
from chat.services.advisory_lock import advisory_lock
from chat.services.copied_messages import NewMessage
from chat.services.hidden_copy import HiddenCopy
from chat.services.imports.packed_messages import unpacked
from chat.services.imports.reading import TRIES_MAX, duplicate_of

KEPT = ("instructions", "model", "settings", "is_pinned", "is_archived")


def store_import(of_import: ConversationImport) -> Iterator[None]:
    """Store the entries that wait; a step stores one, or a part of a long one."""
    waiting = of_import.entries.filter(state=EntryState.WAITING)
    of_import.refresh_from_db(fields=["tries"])
    if of_import.tries > TRIES_MAX:
        fail_entry(of_import)
    while (entry := waiting.first()) is not None:
        try:
            yield from _store(of_import, entry)
        except IntegrityError:  # another import stored it a moment ago
            _end(entry, EntryState.DUPLICATE)
        _count_afresh(of_import)
        yield
    of_import.move(ImportStatus.IMPORTING, ImportStatus.DONE, ended_at=timezone.now())


def fail_entry(of_import: ConversationImport) -> None:
    """Give up the entry at which storing failed, or keepers died too often."""
    entry = of_import.entries.filter(state=EntryState.WAITING).first()
    if entry is not None:
        _end(entry, EntryState.FAILED)
    _count_afresh(of_import)


def _count_afresh(of_import: ConversationImport) -> None:
    """Count keepers that die for the next entry only; this keeper is its first."""
    mine = ConversationImport.objects.filter(
        pk=of_import.pk, claimed_by=of_import.claimed_by
    )
    if of_import.tries > 1 and mine.update(tries=1):
        of_import.tries = 1


def _end(entry: ImportEntry, state: EntryState, conversation: Any = None) -> bool:
    mine = ImportEntry.objects.filter(pk=entry.pk, state=EntryState.WAITING)
    return bool(mine.update(state=state, content=b"", conversation=conversation))


def _store(of_import: ConversationImport, entry: ImportEntry) -> Iterator[None]:
    """Yields after each part of a long conversation but the last."""
    owner, fields = of_import.owner, entry.fields
    if (same := duplicate_of(owner, entry)) is not None:
        _end(entry, EntryState.DUPLICATE, same)
        return
    ids = sorted(uuid4() for _ in range(entry.shown + entry.others))
    copy = HiddenCopy(
        _messages(bytes(entry.content), ids),
        Origin.IMPORTED,
        owner=owner,
        title=entry.title,
        created_at=datetime.fromisoformat(fields["created_at"]),
        **{name: fields[name] for name in KEPT if name in fields},
    )
    yield from copy.store_parts()
    shown = {
        "active_leaf_id": ids[fields["active"]],
        "updated_at": datetime.fromisoformat(fields["updated_at"]),
    }
    _show(owner, entry, copy, shown)


@transaction.atomic
def _show(
    owner: User, entry: ImportEntry, copy: HiddenCopy, shown: dict[str, Any]
) -> None:
    """Show what was stored, unless another import or another keeper was faster."""
    advisory_lock([f"imports:{owner.pk}"])
    if (same := duplicate_of(owner, entry)) is not None:
        _end(entry, EntryState.DUPLICATE, same)
        return
    conversation = copy.show(**shown)
    if not _end(entry, EntryState.DONE, conversation.pk):
        transaction.set_rollback(True)
        return
    source = {
        "owner_id": conversation.owner_id,
        "source": entry.source,
        "source_id": entry.source_id,
        "digest": entry.digest,
    }
    # Of one that was deleted, and can still be restored.
    ConversationSource.objects.filter(**source).delete()
    ConversationSource.objects.create(conversation=conversation, **source)


def _messages(content: bytes, ids: list[UUID]) -> Iterator[NewMessage]:
    """Their ids grow like their numbers, which decides between messages of one time."""
    batches: dict[str, UUID] = defaultdict(uuid4)
    for number, (parent, _role, text, created_at, reply) in enumerate(
        unpacked(content)
    ):
        if reply and reply.get("batch"):
            reply["batch"] = batches[reply["batch"]]
        above = None if parent is None else ids[parent]
        yield NewMessage(text, created_at, above, reply, ids[number])
