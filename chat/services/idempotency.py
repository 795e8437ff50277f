"""Idempotency keys: a request that is repeated with its key is carried out once.

All requests with a key pass through here, those of pages and those of the API.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from chat.models import Conversation, IdempotencyKey, Reply
from chat.models.idempotency_key import KEY_CHARACTERS
from chat.services.advisory_lock import advisory_lock
from chat.services.errors import MessageRefused

Act = Callable[[], Reply | Conversation]


@dataclass(frozen=True, slots=True)
class NewIds:
    """The ids that a request gives to its reply and to the conversation of it."""

    conversation: UUID
    reply: UUID


def check_key(key: str) -> None:
    """Raises ``MessageRefused`` with the code bad_key for an invalid key."""
    if not key:
        raise MessageRefused(
            "bad_key",
            _("The idempotency key is empty. Send one that is unique to this request."),
        )
    if len(key) > KEY_CHARACTERS or not key.isprintable():
        raise MessageRefused(
            "bad_key",
            _(
                "An idempotency key has 1 to %(count)s characters: no control"
                " characters, and UTF-8 beyond ASCII."
            )
            % {"count": KEY_CHARACTERS},
        )


def reply_once(
    owner: UUID | None,
    key: str | None,
    asked: Sequence[str],
    act: Callable[[], Reply],
    *,
    new_ids: NewIds | None = None,
    renew: Callable[[Reply], Reply] | None = None,
) -> Reply:
    """Carry out a request once; a repeated one returns the same reply.

    ``asked`` identifies the request: its kind, its object and its body, in this order.
    ``act`` runs in a transaction. Without a key it runs each time. Two requests at once
    with the same key run one after the other. If ``act`` makes rows with ``new_ids``,
    the key takes one query. ``renew`` is given the reply of the earlier request, and
    returns it or one that replaces it. Raises ``MessageRefused`` with the code
    bad_key, key_reused or deleted, and what ``act`` raises; then the key stays unused.
    """
    found = _once(owner, key, asked, act, new_ids, renew)
    if isinstance(found, Reply):
        return found
    raise TypeError(asked[0])  # the digest contains the kind of request


def once(
    owner: UUID | None,
    key: str | None,
    asked: Sequence[str],
    act: Callable[[], Conversation],
) -> None:
    """The same for a request without a reply; ``act`` returns its conversation."""
    _once(owner, key, asked, act)


def conversation_once(
    owner: UUID | None,
    key: str | None,
    asked: Sequence[str],
    act: Callable[[], Conversation],
) -> Conversation:
    """The same for a request that makes a conversation, which is returned.

    Raises ``MessageRefused`` with the code deleted if it was deleted since.
    """
    made: list[Conversation] = []

    def act_and_note() -> Conversation:
        made.append(act())
        return made[0]

    once(owner, key, asked, act_and_note)
    if made:
        return made[0]
    return _made_with(IdempotencyKey.objects.get(owner=owner, key=key))


def conversation_of_key(
    owner: UUID, key: str | None, asked: Sequence[str]
) -> Conversation | None:
    """What an earlier request with this key has made; None if there was none.

    For requests whose work is too long for the transaction of ``conversation_once``.
    Raises ``MessageRefused`` with the code bad_key, key_reused or deleted.
    """
    if key is None:
        return None
    check_key(key)
    row = IdempotencyKey.objects.filter(owner=owner, key=key).first()
    if row is None:
        return None
    if row.request_digest != request_digest(asked):
        raise key_reused()
    return _made_with(row)


def key_reused() -> MessageRefused:
    """Return the refusal of a key that belongs to another request."""
    said = _("This idempotency key was used for another request. Use a new key.")
    return MessageRefused("key_reused", said)


def request_digest(asked: Sequence[str]) -> str:
    """The SHA-256 of the parts; only the last may contain line breaks.

    Migration 0011 computes the same.
    """
    return sha256("\n".join(asked).encode()).hexdigest()


def _once(
    owner: UUID | None,
    key: str | None,
    asked: Sequence[str],
    act: Act,
    new_ids: NewIds | None = None,
    renew: Callable[[Reply], Reply] | None = None,
) -> Reply | None:
    if key is not None:
        check_key(key)
    with transaction.atomic():
        if key is None or owner is None:  # an anonymous client owns nothing
            return _reply_of(act())
        advisory_lock([f"key:{owner}:{key}"])
        digest = request_digest(asked)
        if new_ids is not None and _is_new(owner, key, digest, new_ids):
            return _reply_of(act())
        found = _with_key(owner, key, digest, act)
        if found is None or renew is None:
            return found
        return _renewed(owner, key, found, renew)


def _made_with(row: IdempotencyKey) -> Conversation:
    found = Conversation.objects.not_deleted().filter(pk=row.conversation_id).first()
    if found is None:
        raise MessageRefused("deleted", _("This conversation was deleted."))
    return found


def _is_new(owner: UUID, key: str, digest: str, ids: NewIds) -> bool:
    return IdempotencyKey.objects.add(owner, key, digest, ids.conversation, ids.reply)


def _with_key(owner: UUID, key: str, digest: str, act: Act) -> Reply | None:
    row = IdempotencyKey.objects.filter(owner=owner, key=key).first()
    if row is not None and row.request_digest != digest:
        raise key_reused()
    if row is not None and not _was_removed(row):
        return _given(row)
    made = act()
    _keep(owner, key, digest, made)
    return _reply_of(made)


def _renewed(
    owner: UUID, key: str, found: Reply, renew: Callable[[Reply], Reply]
) -> Reply:
    new = renew(found)
    if new is not found:
        IdempotencyKey.objects.filter(owner=owner, key=key).update(reply=new.pk)
    return new


def _was_removed(row: IdempotencyKey) -> bool:
    """Free the key of a held message that was removed; it may be sent again."""
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
                "You already sent this, and its conversation has been deleted."
                " To send it again, start a new conversation."
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
