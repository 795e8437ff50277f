"""A reply: the row that is the outbox. Every move is one conditional update."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.expressions import Combinable
from django.utils import timezone

from chat.models.conversation import UNFINISHED
from chatsite import wire

HELD, QUEUED = wire.State.HELD, wire.State.QUEUED
DONE, STOPPED, FAILED = wire.State.DONE, wire.State.STOPPED, wire.State.FAILED
WENT_WRONG = (FAILED, STOPPED)


class ReplyQuerySet(models.QuerySet["Reply"]):
    def not_deleted(self) -> ReplyQuerySet:
        """Those whose conversation was not deleted."""
        return self.filter(message__conversation__deleted_at=None)

    def unfinished(self) -> ReplyQuerySet:
        return self.filter(state__in=UNFINISHED)

    def of_guests_from(self, network: str) -> ReplyQuerySet:
        """Those of all guests of one network together."""
        return self.filter(
            message__owner__network=network, message__owner__username=None
        )

    def queued(self) -> ReplyQuerySet:
        return self.filter(state=QUEUED)

    def unpublished_since(self, seconds: float) -> ReplyQuerySet:
        """Queued rows whose last publication had this long to reach the mailbox."""
        before = timezone.now() - timedelta(seconds=seconds)
        return self.queued().filter(published_at__lt=before)

    def queued_before(self, seconds: float) -> ReplyQuerySet:
        """Queued rows that wait at least this long."""
        before = timezone.now() - timedelta(seconds=seconds)
        return self.queued().filter(queued_at__lt=before)

    def held(self) -> ReplyQuerySet:
        return self.filter(state=HELD)

    def releasable(self) -> ReplyQuerySet:
        """Held rows whose turn may have come: the reply before them is done."""
        return self.held().filter(message__parent__parent__reply__state=DONE)

    def paused(self) -> ReplyQuerySet:
        """Held rows that wait for a person: the reply before them went wrong."""
        before = "message__parent__parent__reply__state__in"
        return self.held().filter(**{before: WENT_WRONG})

    def asked_to_stop(self) -> ReplyQuerySet:
        return self.unfinished().exclude(stop_requested_at=None)

    def with_path(self) -> ReplyQuerySet:
        """With what publishing and collecting need, in one query."""
        return self.select_related("message__conversation__owner", "message__parent")


class Reply(models.Model):
    """What becomes of one assistant message.

    ``queued`` covers all that happens in the mailbox; the row learns of it when the
    end is collected. Terminal states never change.
    """

    message = models.OneToOneField(
        "chat.Message", on_delete=models.CASCADE, primary_key=True, related_name="reply"
    )
    state = models.CharField(
        max_length=7,
        default=QUEUED.value,
        choices=[(s.value, s.name) for s in (*UNFINISHED, DONE, STOPPED, FAILED)],
    )
    #: Counts publications to the mailbox.
    attempt = models.PositiveIntegerField(default=1)
    #: Counts workers that were lost while they wrote this reply.
    losses = models.PositiveIntegerField(default=0)
    stop_requested_at = models.DateTimeField(null=True)

    model = models.CharField(max_length=100)
    #: Picked by a person: this reply waits for it, however long nobody serves it.
    is_model_picked = models.BooleanField(default=False)
    revision = models.CharField(max_length=100, blank=True)
    settings = models.JSONField(default=dict)
    seed = models.BigIntegerField()
    #: What the model was told before the first prompt.
    instructions = models.TextField(blank=True)
    #: So much of the text was there before: this reply goes on with another one.
    continued_characters = models.PositiveIntegerField(default=0)
    #: The same for replies asked for together, as variants of each other.
    batch = models.UUIDField(null=True)

    prompt_tokens = models.PositiveIntegerField(null=True)
    new_tokens = models.PositiveIntegerField(null=True)
    dropped_turns = models.PositiveIntegerField(default=0)
    cut_tokens = models.PositiveIntegerField(default=0)
    is_length_limited = models.BooleanField(default=False)

    queued_at = models.DateTimeField(null=True)
    published_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    first_text_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    worker = models.CharField(max_length=200, blank=True)
    error = models.CharField(max_length=40, blank=True)

    objects = ReplyQuerySet.as_manager()

    class Meta:
        indexes = (
            models.Index(
                fields=("state", "published_at"),
                condition=Q(state="queued"),
                name="reply_in_flight",
            ),
            models.Index(
                fields=("state",), condition=Q(state="held"), name="reply_held"
            ),
            models.Index(
                fields=("message",),
                condition=Q(state__in=("held", "queued")),
                name="reply_unfinished",
            ),
        )

    def __str__(self) -> str:
        return f"reply {self.pk}"

    @property
    def is_terminal(self) -> bool:
        return wire.State(self.state).is_terminal

    @property
    def seconds(self) -> float | None:
        """How long the model wrote."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()

    def release(self) -> bool:
        """Held → queued. False if somebody else was quicker."""
        now = timezone.now()
        return self._move(HELD, state=QUEUED, queued_at=now, published_at=now)

    def publish_again(self, **fields: Any) -> bool:
        """Count one publication more, before it is made."""
        fields["published_at"] = timezone.now()
        moved = self._move(QUEUED, attempt=F("attempt") + 1, **fields)
        if moved:
            self.refresh_from_db(fields=["attempt", "losses"])
        return moved

    def ask_to_stop(self) -> None:
        Reply.objects.filter(pk=self.pk, stop_requested_at=None).unfinished().update(
            stop_requested_at=timezone.now()
        )

    def end(self, state: wire.State, **fields: Any) -> bool:
        """Held or queued, as this row is known → terminal. False if it moved on."""
        if self.is_terminal:
            return False
        fields.setdefault("finished_at", timezone.now())
        return self._move(wire.State(self.state), state=state, **fields)

    def can_start(self) -> bool:
        """Whether nothing before it on its path is still to come, or went wrong."""
        message = self.message
        is_due = not message.conversation.has_unfinished(message.parent_id)
        return is_due and not self.is_paused

    @property
    def is_paused(self) -> bool:
        return Reply.objects.paused().filter(pk=self.pk).exists()

    def touch_held(self) -> bool:
        """Claim a held row for the rest of the transaction; False if it moved on."""
        return self._move(HELD, state=HELD)

    def _move(self, before: wire.State, **fields: Any) -> bool:
        found = Reply.objects.filter(pk=self.pk, state=before, attempt=self.attempt)
        moved = bool(found.update(**fields))
        for name, value in fields.items():
            if moved and not isinstance(value, Combinable):
                setattr(self, name, value)
        return moved
