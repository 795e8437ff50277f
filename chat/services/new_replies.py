"""Makes the rows of a reply, which nothing has published yet."""

from __future__ import annotations

import secrets
from dataclasses import asdict
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from chat.models import Message, Reply
from chat.models.sql_rows import insert
from chat.services.effective_settings import EffectiveSettings
from chatsite import wire
from chatsite.sampling_settings import SEED_BITS


def create_reply(
    message: Message,
    chosen: EffectiveSettings,
    *,
    is_held: bool,
    text: str = "",
    **fields: Any,
) -> Reply:
    """Create the unfinished reply to a message, with the row that is its outbox.

    ``text`` is the beginning of the reply that the model continues. ``fields`` override
    the chosen settings.
    """
    reply = new_reply(message, chosen, is_held=is_held, text=text, **fields)
    insert([reply.message])
    insert([reply])
    return reply


def new_reply(
    message: Message,
    chosen: EffectiveSettings,
    *,
    is_held: bool,
    text: str = "",
    pk: UUID | None = None,
    **fields: Any,
) -> Reply:
    """The two rows of a reply, which are not saved yet."""
    now = None if is_held else timezone.now()
    reply = Message(
        id=pk or uuid4(),
        conversation=message.conversation,
        owner_id=message.owner_id,
        parent=message,
        role=wire.Role.ASSISTANT,
        text=text,
    )
    seed = new_seed() if chosen.seed is None else chosen.seed
    return Reply(
        message=reply,
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
    """A random seed for sampling."""
    return secrets.randbits(SEED_BITS)
