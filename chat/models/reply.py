"""A reply: the row is the outbox. Each state transition is one conditional update."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils import timezone

from chat.models.conversation import UNFINISHED
from chat.models.reply_choices import Origin, Rating
from chat.models.reply_queryset import ReplyQuerySet
from chat.models.sql_rows import update_where
from chatsite import wire
from chatsite.request_context import (
    ID_MAX_LENGTH,
    TRACEPARENT_LENGTH,
    current_request_id,
    current_traceparent,
    on_behalf_of,
)

HELD, QUEUED = wire.State.HELD, wire.State.QUEUED
DONE, STOPPED, FAILED = wire.State.DONE, wire.State.STOPPED, wire.State.FAILED


class Reply(models.Model):
    """The generation of one assistant message.

    ``queued`` covers everything that happens in the mailbox; the row changes when the
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
    #: Only generated replies count in charts, in metrics and as use.
    origin = models.CharField(
        max_length=9,
        choices=Origin,
        default=Origin.GENERATED,
        db_default=Origin.GENERATED.value,
    )
    #: Counts publications to the mailbox.
    attempt = models.PositiveIntegerField(default=1)
    #: Counts the workers that were lost while they wrote this reply.
    losses = models.PositiveIntegerField(default=0)
    stop_requested_at = models.DateTimeField(null=True)

    model = models.CharField(max_length=100)
    #: The user picked the model: the reply waits for it even while it has no worker.
    is_model_picked = models.BooleanField(default=False)
    revision = models.CharField(max_length=100, blank=True)
    #: In what the model's weights were stored: fp32, fp16, bf16 or int8; empty for
    #: replies of earlier releases.
    precision = models.CharField(max_length=10, blank=True, default="", db_default="")
    settings = models.JSONField(default=dict)
    seed = models.BigIntegerField()
    #: The system prompt.
    instructions = models.TextField(blank=True)
    #: Length of the prefix copied from the reply that this one continues; 0 otherwise.
    continued_characters = models.PositiveIntegerField(default=0)
    #: What a call with an API key sent that is not in the messages before it:
    #: ``turns``, and flags of ``wire.Request``; the ``key``; and ``is_given_up`` once
    #: its callers are gone. ``is_helper`` lets all others go first, ``when_idle`` says
    #: that a person wanted it. None without a key and without such a wish.
    call = models.JSONField(null=True, blank=True, default=None)
    #: Shared by replies that were requested together as variants.
    batch = models.UUIDField(null=True)

    prompt_tokens = models.PositiveIntegerField(null=True)
    new_tokens = models.PositiveIntegerField(null=True)
    dropped_turns = models.PositiveIntegerField(default=0)
    cut_tokens = models.PositiveIntegerField(default=0)
    is_length_limited = models.BooleanField(default=False)

    #: The request that asked for it, as its answer and log lines name it.
    request_id = models.CharField(
        max_length=ID_MAX_LENGTH,
        blank=True,
        default=current_request_id,
        db_default="",
    )
    #: Its position in a trace, if the site traces.
    traceparent = models.CharField(
        max_length=TRACEPARENT_LENGTH,
        blank=True,
        default=current_traceparent,
        db_default="",
    )

    queued_at = models.DateTimeField(null=True)
    published_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    first_text_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    worker = models.CharField(max_length=200, blank=True)
    error = models.CharField(max_length=40, blank=True)

    #: What its owner thinks of it; empty without feedback.
    rating = models.CharField(
        max_length=4, choices=Rating, blank=True, default="", db_default=""
    )
    rating_reason = models.TextField(blank=True, default="", db_default="")

    #: Ids of the messages before it, oldest first, where publishing has read them.
    path_before: tuple[UUID, ...] | None = None

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
            models.Index(fields=("finished_at",), name="reply_finished"),
            models.Index(
                fields=("model", "rating", "origin"),
                condition=Q(rating__in=("up", "down")),
                name="reply_rated",
            ),
        )

    def __str__(self) -> str:
        return f"reply {self.pk}"

    def logged(self) -> AbstractContextManager[None]:
        """Within the block, log lines name this reply and the request that asked."""
        return on_behalf_of(
            self.request_id, reply=str(self.pk), traceparent=self.traceparent
        )

    @property
    def is_terminal(self) -> bool:
        """Whether the reply is done, stopped or failed."""
        return wire.State(self.state).is_terminal

    @property
    def is_edited(self) -> bool:
        """Whether a person wrote its text, in place of another version."""
        return self.origin == Origin.EDITED

    @property
    def is_made_known(self) -> bool:
        """Whether it is known how a model made it.

        A person wrote an edited reply, and what other programs export has no settings.
        """
        return self.is_made_here or (bool(self.settings) and not self.is_edited)

    @property
    def is_made_here(self) -> bool:
        """Whether a worker of this site wrote it, for this very message."""
        return self.origin in (Origin.GENERATED, Origin.TITLE)

    @property
    def key_id(self) -> UUID | None:
        """Id of the API key that asked for it."""
        return UUID(self.call["key"]) if self.call and "key" in self.call else None

    @property
    def is_helper(self) -> bool:
        """Whether it lets all others go first, and runs when workers are idle."""
        return bool(self.call and self.call.get("is_helper"))

    @property
    def when_idle(self) -> bool:
        """Whether the one who asked for it wanted it only when workers are idle."""
        return bool(self.call and self.call.get("when_idle"))

    @property
    def is_given_up(self) -> bool:
        """Whether it is cut, or will be, because the callers who waited are gone."""
        is_whole = self.state in (wire.State.DONE, wire.State.FAILED)
        return bool(self.call and self.call.get("is_given_up")) and not is_whole

    @property
    def is_curable(self) -> bool:
        """Whether it failed, or was given up, and another reply may be whole."""
        is_failed = self.state == wire.State.FAILED
        return self.is_given_up or (is_failed and self.error not in wire.LASTING_ERRORS)

    @property
    def seconds(self) -> float | None:
        """Seconds from start to end; None before the end."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()

    def release(self) -> bool:
        """Held → queued. False if another process changed the state before."""
        now = timezone.now()
        return self._move(HELD, state=QUEUED, queued_at=now, published_at=now)

    def publish_again(self, **fields: Any) -> bool:
        """Count the next attempt before it is published; False if not queued."""
        fields["published_at"] = timezone.now()
        moved = self._move(QUEUED, attempt=self.attempt + 1, **fields)
        if moved:
            self.refresh_from_db(fields=["losses"])
        return moved

    def ask_to_stop(self, *, is_given_up: bool = False) -> None:
        """Store the stop request, if the reply is unfinished."""
        fields: dict[str, Any] = {"stop_requested_at": timezone.now()}
        if is_given_up:
            fields["call"] = {**(self.call or {}), "is_given_up": True}
        Reply.objects.filter(pk=self.pk, stop_requested_at=None).unfinished().update(
            **fields
        )

    def run_now(self) -> None:
        """Let an unfinished reply wait no longer until workers are idle."""
        if self.call is None:
            return
        call = {**self.call, "is_helper": False}
        call.pop("when_idle", None)
        Reply.objects.filter(pk=self.pk).unfinished().update(call=call)
        self.call = call

    def end(self, state: wire.State, **fields: Any) -> bool:
        """Held or queued → terminal. False if another process changed the state."""
        if self.is_terminal:
            return False
        fields.setdefault("finished_at", timezone.now())
        return self._move(wire.State(self.state), state=state, **fields)

    def can_start(self) -> bool:
        """Whether every reply before it on its path is done."""
        message = self.message
        is_due = not message.conversation.has_unfinished(message.parent_id)
        return is_due and not self.is_paused

    @property
    def is_paused(self) -> bool:
        """Whether it is held and the user must decide whether to go on."""
        return Reply.objects.paused().filter(pk=self.pk).exists()

    def touch_held(self) -> bool:
        """Lock a held row until the transaction ends; False if it is not held."""
        return self._move(HELD, state=HELD)

    def _move(self, before: wire.State, **fields: Any) -> bool:
        unchanged = {"message": self.pk, "state": before, "attempt": self.attempt}
        moved = bool(update_where(Reply, unchanged, **fields))
        for name, value in fields.items() if moved else ():
            setattr(self, name, value)
        return moved
