"""Copies the path that a conversation shows into a shared link."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from chat.models import Conversation, Message, SharedLink, SharedMessage
from chat.models.conversation import UNFINISHED
from chat.services.errors import MessageRefused

#: Messages in memory at a time.
MESSAGES_PER_READ = 200


def freeze(link: SharedLink) -> None:
    """Save a link with the messages that its conversation shows now, for those before.

    Call it in a transaction. Unfinished replies, and messages behind them, are left
    out. Raises ``MessageRefused`` with the code deleted, nothing_to_share or
    shared_too_long.
    """
    conversation = Conversation.objects.claim_of_owner(
        link.conversation_id, link.owner_id
    )
    if conversation is None:
        raise MessageRefused("deleted", _("This conversation was deleted."))
    link.title, link.frozen_at = conversation.title, timezone.now()
    link.message_count = 0
    link.save()
    SharedMessage.objects.filter(link=link).delete()
    characters, places = 0, count()
    for part in _parts(conversation):
        characters += sum(len(message.text) for message in part)
        _check_length(characters)
        SharedMessage.objects.bulk_create(
            SharedMessage.of(link, place, message, has_details=link.has_details)
            for message, place in zip(part, places, strict=False)
        )
        link.message_count += len(part)
    if not link.message_count:
        said = _("There is nothing to share yet. Wait for the first reply.")
        raise MessageRefused("nothing_to_share", said)
    link.save(update_fields=["message_count"])


def _parts(conversation: Conversation) -> Iterator[list[Message]]:
    """The finished messages of the path that is shown, some at a time."""
    ids = conversation.path_ids()
    ids = ids[: _finished_length(ids)]
    for start in range(0, len(ids), MESSAGES_PER_READ):
        yield conversation.loaded(ids[start : start + MESSAGES_PER_READ])


def _finished_length(ids: list[UUID]) -> int:
    """How many messages come before the first message that waits for its reply."""
    for start in range(0, len(ids), MESSAGES_PER_READ):
        some = ids[start : start + MESSAGES_PER_READ]
        waiting = Message.objects.filter(pk__in=some, reply__state__in=UNFINISHED)
        if found := set(waiting.values_list("pk", flat=True)):
            return start + next(at for at, pk in enumerate(some) if pk in found) - 1
    return len(ids)


def _check_length(characters: int) -> None:
    limit = settings.SHARED_MAX_CHARACTERS
    if characters > limit:
        said = _(
            "This conversation is too long to share: a copy has at most %(limit)s"
            " characters."
        )
        words = {"limit": number_format(limit, force_grouping=True)}
        raise MessageRefused("shared_too_long", said % words)
