"""Continues a frozen copy: it becomes a conversation of the reader's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import transaction

from chat.models import (
    Conversation,
    IdempotencyKey,
    Origin,
    SharedLink,
    SharedMessage,
    User,
)
from chat.services.copied_messages import (
    KEPT_FIELDS,
    ROWS,
    NewMessage,
    insert_messages,
)
from chat.services.idempotency import conversation_once
from chat.services.limits.admission import admit_copy
from chat.services.messages import new_seed
from chat.services.notify import notify_pages
from chat.services.used_key import conversation_fields


@transaction.atomic
def continue_as_copy(owner: User, link: SharedLink) -> Conversation:
    """Copy the messages of a link into a new conversation, and return it.

    Asked again, it returns the same one, unless that was deleted or the link was
    renewed. Making one counts as one message. Raises ``MessageRefused`` with a code of
    a limit, or closed.
    """
    key = f"shared {link.digest[:32]} {link.frozen_at.timestamp()}"
    earlier = IdempotencyKey.objects.filter(owner=owner, key=key)
    earlier.exclude(conversation__deleted_at=None).delete()
    asked = ("continue", link.digest)
    return conversation_once(owner.pk, key, asked, lambda: _copied(owner, link))


def _copied(owner: User, link: SharedLink) -> Conversation:
    admit_copy(owner)
    made = Conversation.objects.create(
        owner=owner, title=link.title, **conversation_fields(owner)
    )
    copies = _Copies(link)
    insert_messages(made, copies, Origin.COPIED)
    made.active_leaf_id = copies.last.pk if copies.last else None
    made.save(update_fields=["active_leaf"])
    transaction.on_commit(lambda: notify_pages(owner.pk))
    return made


class _Copies:
    """The messages of a link, each the child of the one before; ``last`` is behind."""

    def __init__(self, link: SharedLink) -> None:
        self._link = link
        self.last: NewMessage | None = None

    def __iter__(self) -> Iterator[NewMessage]:
        for frozen in self._link.messages.iterator(ROWS):
            before = self.last.pk if self.last else None
            fields = None if frozen.is_from_user else _reply_fields(frozen)
            self.last = NewMessage(frozen.text, frozen.said_at, before, fields)
            yield self.last


def _reply_fields(frozen: SharedMessage) -> dict[str, Any]:
    """The fields of a reply as far as its owner showed them."""
    reply = frozen.reply
    if reply is not None:
        return {name: getattr(reply, name) for name in KEPT_FIELDS}
    # Without the time of its turn, a stopped reply would be one that never began.
    times = {"queued_at": frozen.said_at, "finished_at": frozen.said_at}
    return {"state": frozen.state, "model": frozen.model, "seed": new_seed(), **times}
