"""A batch: many calls in one file, answered behind the messages of all people."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone


class BatchStatus(models.TextChoices):
    """How far a batch has come."""

    VALIDATING = "validating"
    FAILED = "failed"
    IN_PROGRESS = "in_progress"
    FINALIZING = "finalizing"
    COMPLETED = "completed"
    EXPIRED = "expired"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


class LineState(models.TextChoices):
    """How far a line of a batch has come."""

    WAITING = "waiting"
    SENT = "sent"
    DONE = "done"
    FAILED = "failed"


OPEN_STATUSES = (
    BatchStatus.VALIDATING,
    BatchStatus.IN_PROGRESS,
    BatchStatus.FINALIZING,
    BatchStatus.CANCELLING,
)
OPEN_STATES = (LineState.WAITING, LineState.SENT)
#: The field with the time at which a batch came to a status.
TIME_OF: dict[str, str] = {
    status.value: f"{status.value}_at"
    for status in BatchStatus
    if status != BatchStatus.VALIDATING
}


class BatchQuerySet(models.QuerySet["Batch"]):
    """Sets of batches by status."""

    def unfinished(self) -> BatchQuerySet:
        """Batches that are not over."""
        return self.filter(status__in=OPEN_STATUSES)

    def ended(self) -> BatchQuerySet:
        """Batches that are over."""
        return self.exclude(status__in=OPEN_STATUSES)


class Batch(models.Model):
    """The calls of one file, and what became of them.

    Each change of status is one conditional update.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="batches"
    )
    #: The key that made it, whose limits apply; empty for one of a page.
    key = models.ForeignKey(
        "chat.ApiKey", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    status = models.CharField(
        max_length=11, choices=BatchStatus.choices, default=BatchStatus.VALIDATING
    )
    endpoint = models.CharField(max_length=40)
    completion_window = models.CharField(max_length=10)
    metadata = models.JSONField(null=True)
    #: Why the file was refused: ``code``, ``message``, ``param`` and ``line`` of each.
    errors = models.JSONField(default=list)

    input_id = models.UUIDField()
    input_file = models.ForeignKey(
        "chat.BatchFile", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    output_file = models.OneToOneField(
        "chat.BatchFile",
        on_delete=models.SET_NULL,
        null=True,
        related_name="output_of",
    )
    error_file = models.OneToOneField(
        "chat.BatchFile", on_delete=models.SET_NULL, null=True, related_name="errors_of"
    )

    total = models.PositiveIntegerField(default=0)
    completed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)

    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    in_progress_at = models.DateTimeField(null=True)
    finalizing_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    expired_at = models.DateTimeField(null=True)
    cancelling_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)

    objects = BatchQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = (
            models.Index(fields=("owner", "-created_at"), name="batch_list"),
            models.Index(
                fields=("created_at",),
                condition=Q(status__in=[status.value for status in OPEN_STATUSES]),
                name="batch_unfinished",
            ),
        )

    def __str__(self) -> str:
        return f"batch {self.pk}"

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.status not in OPEN_STATUSES

    @property
    def ended(self) -> int:
        """How many lines have a result."""
        return self.completed + self.failed

    def move(self, before: BatchStatus, after: BatchStatus, **fields: Any) -> bool:
        """Change the status; False if another process did before."""
        fields[TIME_OF[after.value]] = timezone.now()
        found = Batch.objects.filter(pk=self.pk, status=before)
        if not found.update(status=after, **fields):
            return False
        for name, value in {"status": after, **fields}.items():
            setattr(self, name, value)
        return True


class BatchLine(models.Model):
    """One call of a batch. Its result is written once, by a conditional update."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="lines")
    #: Its number in the file, from 1.
    number = models.PositiveIntegerField()
    custom_id = models.CharField(max_length=512)
    #: The body of the call, as JSON; empty once there is a result.
    body = models.TextField()
    state = models.CharField(
        max_length=7, choices=LineState.choices, default=LineState.WAITING
    )
    #: Where it is answered; hidden, and erased some time after its end.
    conversation = models.OneToOneField(
        "chat.Conversation",
        on_delete=models.SET_NULL,
        null=True,
        related_name="batch_line",
    )
    #: The line of the output, as JSON in ASCII.
    result = models.TextField(blank=True)

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(fields=("batch", "number"), name="one_line"),
        )
        indexes = (
            models.Index(fields=("batch", "state", "number"), name="batch_line_state"),
        )

    def __str__(self) -> str:
        return f"line {self.number} of {self.batch_id}"

    def end(self, state: LineState, result: str) -> bool:
        """Write the result and count it, in a transaction; False if there is one."""
        found = BatchLine.objects.filter(pk=self.pk, state__in=OPEN_STATES)
        if not found.update(state=state, result=result, body=""):
            return False
        count = "completed" if state == LineState.DONE else "failed"
        Batch.objects.filter(pk=self.batch_id).update(**{count: F(count) + 1})
        return True
