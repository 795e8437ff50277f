"""Sets of replies: by their state, their age and what they wait for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from django.db import models
from django.utils import timezone

from chat.models.conversation import UNFINISHED
from chat.models.reply_choices import Origin
from chat.models.sql_rows import rows, uuid_of
from chatsite import wire

#: A reply, whose module imports this one.
R = TypeVar("R", bound=models.Model)

HELD, QUEUED = wire.State.HELD, wire.State.QUEUED
DONE, STOPPED, FAILED = wire.State.DONE, wire.State.STOPPED, wire.State.FAILED
FAILED_OR_STOPPED = (FAILED, STOPPED)
#: As literals in SQL: with parameters SQLite does not recognise the condition of its
#: index of unfinished replies.
UNFINISHED_LITERALS = [
    models.Func(template=f"'{state}'", output_field=models.CharField())
    for state in UNFINISHED
]
WANTED = """
SELECT 1 FROM chat_reply
WHERE message_id = %s AND state = 'queued' AND stop_requested_at IS NULL
"""
#: The state is a literal for the sake of its partial index.
WITH_HELD = """
SELECT DISTINCT message.conversation_id FROM chat_reply AS reply
JOIN chat_message AS message ON message.id = reply.message_id
WHERE reply.state = 'held' AND message.conversation_id IN ({})
"""


class ReplyQuerySet(models.QuerySet[R]):
    """Sets of replies by their state and age."""

    def generated(self) -> ReplyQuerySet[R]:
        """Replies that workers wrote, or will write: only these are counted."""
        return self.filter(origin=Origin.GENERATED)

    def not_deleted(self) -> ReplyQuerySet[R]:
        """Replies whose conversation was not deleted."""
        return self.filter(message__conversation__deleted_at=None)

    def unfinished(self) -> ReplyQuerySet[R]:
        """Replies in a state that is not terminal."""
        return self.filter(state__in=UNFINISHED_LITERALS)

    def of_no_batch(self) -> ReplyQuerySet[R]:
        """Replies that are not those to lines of batches."""
        return self.filter(message__conversation__batch_line=None)

    def of_guests_from(self, network: str) -> ReplyQuerySet[R]:
        """Replies to the guests of one network."""
        return self.filter(
            message__owner__network=network, message__owner__username=None
        )

    def queued(self) -> ReplyQuerySet[R]:
        """Replies that wait for a worker or are being written."""
        return self.filter(state=QUEUED)

    def unpublished_since(self, seconds: float) -> ReplyQuerySet[R]:
        """Queued rows that were published at least this many seconds ago."""
        before = timezone.now() - timedelta(seconds=seconds)
        return self.queued().filter(published_at__lt=before)

    def queued_before(self, seconds: float) -> ReplyQuerySet[R]:
        """Queued rows that have waited at least this many seconds."""
        before = timezone.now() - timedelta(seconds=seconds)
        return self.queued().filter(queued_at__lt=before)

    def held(self) -> ReplyQuerySet[R]:
        """Replies that wait for the one before them."""
        return self.filter(state=HELD)

    def conversations_with_held(self, conversations: Sequence[UUID]) -> set[UUID]:
        """Which of these conversations have held replies."""
        places = ", ".join(["%s"] * len(conversations))
        found = rows(WITH_HELD.format(places), conversations) if places else []
        return {uuid_of(pk) for (pk,) in found}

    def releasable(self) -> ReplyQuerySet[R]:
        """Held rows that may start: the reply before them is done."""
        return self.held().filter(message__parent__parent__reply__state=DONE)

    def paused(self) -> ReplyQuerySet[R]:
        """Held rows that wait for the user: the reply before them failed or stopped."""
        before = "message__parent__parent__reply__state__in"
        return self.held().filter(**{before: FAILED_OR_STOPPED})

    def asked_to_stop(self) -> ReplyQuerySet[R]:
        """Unfinished replies with a stop request."""
        return self.unfinished().exclude(stop_requested_at=None)

    def is_wanted(self, pk: UUID) -> bool:
        """Whether a reply is queued, and its owner did not ask to stop it."""
        return bool(rows(WANTED, (pk,)))

    def with_path(self) -> ReplyQuerySet[R]:
        """Join the rows that publishing and collecting need."""
        return self.select_related("message__conversation__owner", "message__parent")
