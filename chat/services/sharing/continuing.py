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
from chat.services.copied_messages import KEPT_FIELDS, ROWS, NewMessage
from chat.services.hidden_copy import HiddenCopy
from chat.services.idempotency import conversation_of_key, conversation_once
from chat.services.limits.admission import admit_copy
from chat.services.new_replies import new_seed
from chat.services.notify import notify_pages
from chat.services.used_key import conversation_fields


def continue_as_copy(owner: User, link: SharedLink) -> Conversation:
    """Copy the messages of a link into a new conversation, and return it.

    Asked again, it returns the same one, unless that was deleted or the link was
    renewed. Making one counts as one message. Raises ``MessageRefused`` with a code of
    a limit, or closed.
    """
    return admit_continuing(owner, link) or make_copy(owner, link)


@transaction.atomic
def admit_continuing(owner: User, link: SharedLink) -> Conversation | None:
    """Count a copy that is to be made, unless it is there: then it is returned."""
    key = _key(link)
    earlier = IdempotencyKey.objects.filter(owner=owner, key=key)
    earlier.exclude(conversation__deleted_at=None).delete()
    if found := conversation_of_key(owner.pk, key, _asked(link)):
        return found
    admit_copy(owner, link.message_count)
    return None


def make_copy(owner: User, link: SharedLink) -> Conversation:
    """Copy the messages, once for requests that come at the same time."""
    copy = HiddenCopy(
        _copies(link),
        Origin.COPIED,
        owner=owner,
        title=link.title,
        **conversation_fields(owner),
    )
    copy.store_with_pauses()
    made = conversation_once(owner.pk, _key(link), _asked(link), copy.show)
    transaction.on_commit(lambda: notify_pages(owner.pk), robust=True)
    return made


def _key(link: SharedLink) -> str:
    return f"shared {link.digest[:32]} {link.frozen_at.timestamp()}"


def _asked(link: SharedLink) -> tuple[str, str]:
    return ("continue", link.digest)


def _copies(link: SharedLink) -> Iterator[NewMessage]:
    """The messages of a link, each the child of the one before."""
    parent = None
    for start in range(0, link.message_count, ROWS):
        part = link.messages.filter(place__gte=start, place__lt=start + ROWS)
        for frozen in list(part):
            fields = None if frozen.is_from_user else _reply_fields(frozen)
            if fields and frozen.is_edited:
                fields["origin"] = frozen.origin
            copy = NewMessage(frozen.text, frozen.said_at, parent, fields)
            parent = copy.pk
            yield copy


def _reply_fields(frozen: SharedMessage) -> dict[str, Any]:
    """The fields of a reply as far as its owner showed them."""
    reply = frozen.reply
    if reply is not None:
        return {name: getattr(reply, name) for name in KEPT_FIELDS}
    # Without the time of its turn, a stopped reply would be one that never began.
    times = {"queued_at": frozen.said_at, "finished_at": frozen.said_at}
    return {"state": frozen.state, "model": frozen.model, "seed": new_seed(), **times}
