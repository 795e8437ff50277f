"""Idempotency keys: a request that is sent again with its key is carried out once.

Every request that takes a key goes through here, from the pages and from the API.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from chat.models import Conversation, IdempotencyKey, Reply
from chat.models.idempotency_key import KEY_CHARACTERS
from chat.services.advisory_lock import advisory_lock
from chat.services.errors import MessageRefused

Act = Callable[[], Reply | Conversation]


def check_key(key: str) -> None:
    """Raises ``MessageRefused`` with the code bad_key."""
    if not key:
        raise MessageRefused(
            "bad_key",
            _("The idempotency key is empty. Send one that names this request alone."),
        )
    if len(key) > KEY_CHARACTERS or not key.isprintable():
        raise MessageRefused(
            "bad_key",
            _(
                "An idempotency key has 1 to %(count)s characters that can be printed:"
                " no control characters, and UTF-8 beyond ASCII."
            )
            % {"count": KEY_CHARACTERS},
        )


def reply_once(
    owner: UUID | None, key: str | None, asked: Sequence[str], act: Callable[[], Reply]
) -> Reply:
    """Carry out a request that gives a reply, or give the reply it gave before.

    ``asked`` says what is asked for: the kind of request, what it is done to, and the
    body, in this order. ``act`` runs in a transaction. Without a key it is carried out
    each time; two at once with the same are carried out one after the other. Raises
    ``MessageRefused`` with the code bad_key, key_reused or deleted, and what ``act``
    raises; then the key stays unused.
    """
    found = _once(owner, key, asked, act)
    if isinstance(found, Reply):
        return found
    raise TypeError(asked[0])  # a digest belongs to one kind of request


def once(
    owner: UUID | None,
    key: str | None,
    asked: Sequence[str],
    act: Callable[[], Conversation],
) -> None:
    """The same for a request that gives no reply; ``act`` returns its conversation."""
    _once(owner, key, asked, act)


def request_digest(asked: Sequence[str]) -> str:
    """Only the last part may hold line breaks. Migration 0011 makes the same."""
    return sha256("\n".join(asked).encode()).hexdigest()


def _once(
    owner: UUID | None, key: str | None, asked: Sequence[str], act: Act
) -> Reply | None:
    if key is not None:
        check_key(key)
    with transaction.atomic():
        if key is None or owner is None:  # nothing belongs to a stranger
            return _reply_of(act())
        return _with_key(owner, key, request_digest(asked), act)


def _with_key(owner: UUID, key: str, digest: str, act: Act) -> Reply | None:
    advisory_lock([f"key:{owner}:{key}"])
    row = IdempotencyKey.objects.filter(owner=owner, key=key).first()
    if row is not None and row.request_digest != digest:
        raise MessageRefused(
            "key_reused",
            _("This idempotency key was used for another request. Use a new key."),
        )
    if row is not None and not _was_removed(row):
        return _given(row)
    made = act()
    _keep(owner, key, digest, made)
    return _reply_of(made)


def _was_removed(row: IdempotencyKey) -> bool:
    """A held message that was taken back may be sent once more: its key is free."""
    if row.reply is None or Reply.objects.filter(pk=row.reply).exists():
        return False
    row.delete()
    return True


def _given(row: IdempotencyKey) -> Reply | None:
    if row.reply is None:
        return None
    reply = Reply.objects.not_deleted().with_path().filter(pk=row.reply).first()
    if reply is None:
        raise MessageRefused(
            "deleted",
            _(
                "This was sent before, and its conversation was deleted since. "
                "To send it anew, open a new conversation."
            ),
        )
    return reply


def _keep(owner: UUID, key: str, digest: str, made: Reply | Conversation) -> None:
    reply = _reply_of(made)
    conversation = made.message.conversation if isinstance(made, Reply) else made
    IdempotencyKey.objects.create(
        owner_id=owner,
        key=key,
        request_digest=digest,
        conversation_id=conversation.pk,
        reply=None if reply is None else reply.pk,
    )


def _reply_of(made: Reply | Conversation) -> Reply | None:
    return made if isinstance(made, Reply) else None
