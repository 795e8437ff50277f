"""Makes a conversation of many messages, which nothing shows before it is whole.

SQLite has one writer, and ten thousand messages take seconds to store. So they are
stored in parts, each in a short transaction, in a conversation that counts as deleted.
The transaction that stores the last part shows it. What a process leaves behind when it
is killed, the keeper removes an hour later.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from chat.models import Conversation, Origin
from chat.services.conversation_deletion import (
    MESSAGES_AT_ONCE,
    PAUSE_SECONDS,
    removed_if_deleted_before,
)
from chat.services.copied_messages import NewMessage, insert_messages
from chat.services.errors import MessageRefused

#: For how long a copy may be in the making.
MAKING = timedelta(hours=1)


class HiddenCopy:
    """A conversation in the making; ``fields`` are those of ``Conversation``."""

    def __init__(
        self, messages: Iterable[NewMessage], origin: Origin, **fields: Any
    ) -> None:
        self._parts = _parts(messages)
        self._origin = origin
        self._fields = fields
        self._next = next(self._parts, [])
        #: The last message that was read.
        self.last: NewMessage | None = self._next[-1] if self._next else None
        self._made: Conversation | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is no message to store."""
        return self.last is None

    def store_parts(self) -> Iterator[None]:
        """Store all parts but the last; yields after each.

        Raises ``MessageRefused`` with the code deleted if its owner was erased.
        """
        for part in self._parts:
            with transaction.atomic():
                self._store(self._next)
            self._next = part
            yield

    def store_with_pauses(self) -> None:
        """Store all parts but the last, and let other writers in between."""
        for _part in self.store_parts():
            time.sleep(PAUSE_SECONDS)

    def show(self, **fields: Any) -> Conversation:
        """Store the last part, and show the conversation that is whole now.

        Call it in a transaction. ``fields`` are set as well. Raises ``MessageRefused``.
        """
        made = self._store(self._next)
        for part in self._parts:  # none is left after ``store_parts``
            self._store(part)
        if self.last is not None:
            fields.setdefault("active_leaf_id", self.last.pk)
        fields.setdefault("updated_at", timezone.now())
        Conversation.objects.filter(pk=made.pk).update(deleted_at=None, **fields)
        made.refresh_from_db()
        return made

    def _store(self, part: list[NewMessage]) -> Conversation:
        made = self._claimed()
        insert_messages(made, part, self._origin)
        self.last = part[-1] if part else self.last
        return made

    def _claimed(self) -> Conversation:
        """The row, which is made with the first part; its owner may have changed."""
        if self._made is None:
            removed_at = removed_if_deleted_before() + MAKING
            fields = {"deleted_at": removed_at, **self._fields}
            self._made = Conversation.objects.create(**fields)
            return self._made
        row = Conversation.objects.select_for_update().filter(pk=self._made.pk).first()
        if row is None:
            raise MessageRefused("deleted", _("This conversation was deleted."))
        return row


def _parts(messages: Iterable[NewMessage]) -> Iterator[list[NewMessage]]:
    rest = iter(messages)
    while some := list(islice(rest, MESSAGES_AT_ONCE)):
        yield some
