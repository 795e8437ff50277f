"""Sending a prompt: one transaction, and the queue learns of it on commit."""

from __future__ import annotations

import secrets
import unicodedata
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from chat.models import Conversation, Message, Reply, User
from chat.models.conversation import title_from
from chat.services.effective_settings import effective_settings
from chat.services.errors import MessageRefused
from chat.services.idempotency import reply_once
from chat.services.jobs.publish import publish
from chat.services.limits.admission import admit
from chat.text_cleanup import as_lines, without_blank_edges
from chatsite import wire
from chatsite.sampling_settings import SEED_BITS

#: Letters and signs that are empty: the fillers of Hangul, and Braille without dots.
FILLERS = "\u115f\u1160\u3164\uffa0\u2800"


def send_message(
    owner: User,
    text: str,
    key: str | None,
    conversation: Conversation | None = None,
    *,
    instead_of: Message | None = None,
) -> Reply:
    """Save a prompt and the reply to come, and enqueue it once committed.

    ``key`` makes it safe to send again: the same key with the same text gives the
    reply made first. Without a conversation a new one begins. With ``instead_of``, a
    prompt of the conversation, this becomes another version of it, and the
    conversation goes on from there; the old version stays reachable.
    Raises ``MessageRefused`` with the code blank or too_long, with one of
    ``idempotency``, or with one of ``admission`` and the time to come back.
    """
    text = clean_text(text)
    into = "" if conversation is None else conversation.pk.hex
    return reply_once(
        owner.pk,
        key,
        ("send", into, text),
        lambda: _save(owner, text, conversation, instead_of),
    )


def clean_text(text: str) -> str:
    """The prompt as it is kept. Raises ``MessageRefused`` if blank or too long."""
    text = without_blank_edges(as_lines(text))
    if is_blank(text):
        raise MessageRefused("blank", _("Write a message first."))
    limit = settings.MESSAGE_MAX_CHARACTERS
    if len(text) > limit:
        raise MessageRefused(
            "too_long",
            _(
                "This message has %(count)s characters; at most %(limit)s can be "
                "sent. Shorten it or send it in parts."
            )
            % {
                "count": number_format(len(text), force_grouping=True),
                "limit": number_format(limit, force_grouping=True),
            },
        )
    return text


def is_blank(text: str) -> bool:
    """Whether nothing of a text can be seen."""
    return all(
        unicodedata.category(character)[0] in "CZ" or character in FILLERS
        for character in text
    )


def _save(
    owner: User,
    text: str,
    conversation: Conversation | None,
    instead_of: Message | None,
) -> Reply:
    if conversation is not None:
        # Two prompts sent at once are put one after the other, not side by side.
        conversation = claim_not_deleted(conversation.pk)
        conversation.owner = owner
    admit(owner, conversation, effective_settings(owner, conversation).entry.name)
    if conversation is None:
        conversation = Conversation.objects.create(owner=owner, title=title_from(text))
    parent = _last(conversation) if instead_of is None else _place_of(instead_of)
    prompt = Message.objects.create(
        conversation=conversation,
        owner=owner,
        parent_id=parent,
        role=wire.Role.USER,
        text=text,
    )
    reply = await_reply(prompt, is_held=conversation.has_unfinished(parent))
    conversation.active_leaf = reply.message
    conversation.save(update_fields=["active_leaf", "updated_at"])
    transaction.on_commit(lambda: publish(reply), robust=True)
    return reply


def claim_not_deleted(pk: UUID) -> Conversation:
    """A conversation, for this transaction alone. Raises ``MessageRefused``."""
    claimed = Conversation.objects.not_deleted().select_for_update()
    conversation = claimed.filter(pk=pk).first()
    if conversation is None:
        raise MessageRefused("deleted", _("This conversation was deleted."))
    return conversation


def _place_of(prompt: Message) -> UUID | None:
    """What a prompt follows, which may have been removed just before, as the prompt
    itself may. Raises ``MessageRefused``."""
    try:
        prompt.refresh_from_db(fields=["parent"])
    except Message.DoesNotExist:
        said = _("The message that you changed was removed. Send this as a new one.")
        raise MessageRefused("gone", said) from None
    return prompt.parent_id


def _last(conversation: Conversation) -> UUID | None:
    """The message that the next prompt follows: the last one shown, unless that is a
    reply stopped before its turn came, which must hold up nobody."""
    leaf = conversation.active_leaf
    while leaf is not None and leaf.parent is not None and _was_taken_back(leaf):
        leaf = _answered(leaf.parent) or leaf.parent.parent
    return None if leaf is None else leaf.pk


def _answered(prompt: Message) -> Message | None:
    """The newest reply to a prompt that came to its turn."""
    replies = Message.objects.filter(parent=prompt).exclude(reply__queued_at=None)
    return replies.order_by("-created_at").first()


def _was_taken_back(message: Message) -> bool:
    return Reply.objects.filter(
        message=message, state=wire.State.STOPPED, queued_at=None
    ).exists()


def await_reply(
    prompt: Message, *, is_held: bool, text: str = "", **fields: Any
) -> Reply:
    """The answer to a prompt, still to be written behind ``text``, and the row that is
    its outbox. ``fields`` of the row go before what its owner prefers."""
    conversation = prompt.conversation
    now = None if is_held else timezone.now()
    message = Message.objects.create(
        conversation=conversation,
        owner_id=prompt.owner_id,
        parent=prompt,
        role=wire.Role.ASSISTANT,
        text=text,
    )
    chosen = effective_settings(conversation.owner, conversation)
    seed = new_seed() if chosen.seed is None else chosen.seed
    return Reply.objects.create(
        message=message,
        state=wire.State.HELD if is_held else wire.State.QUEUED,
        queued_at=now,
        published_at=now,
        **{
            "model": chosen.entry.name,
            "is_model_picked": chosen.is_picked,
            "settings": asdict(chosen.settings),
            "instructions": chosen.instructions,
            "seed": seed,
            "continued_characters": len(text),
            **fields,
        },
    )


def new_seed() -> int:
    return secrets.randbits(SEED_BITS)
