"""An import: a file with conversations, what is in it, and what became of it."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from chat.models.file_pieces import FileInPieces, FilePiece


class ImportStatus(models.TextChoices):
    """How far an import has come."""

    READING = "reading"
    #: Read, and shown to its owner, who has to confirm it.
    READY = "ready"
    IMPORTING = "importing"
    DONE = "done"
    REFUSED = "refused"


#: The statuses in which the keeper has something to do, and those before an end.
RUNNING = (ImportStatus.READING, ImportStatus.IMPORTING)
OPEN = (*RUNNING, ImportStatus.READY)


class ConversationImport(FileInPieces):
    """A file of an account. Each change of status is one conditional update."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="imports"
    )
    name = models.CharField(max_length=200)
    size_bytes = models.PositiveBigIntegerField()
    status = models.CharField(
        max_length=9, choices=ImportStatus, default=ImportStatus.READING
    )
    #: Why it was refused.
    error = models.CharField(max_length=40, blank=True, default="")
    #: How many bytes the keeper has read, and how many keepers began to read it, or to
    #: store the entry that is next.
    read_bytes = models.PositiveBigIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    #: The keeper that works on it, and how long no other one may.
    claimed_by = models.UUIDField(null=True)
    claimed_until = models.DateTimeField(null=True)
    #: Entries of the file that are no conversations, and those that were too large.
    broken = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = (
            models.Index(fields=("owner", "-created_at"), name="import_list"),
            models.Index(
                fields=("status",),
                condition=Q(status__in=("reading", "importing")),
                name="import_running",
            ),
            models.Index(fields=("expires_at",), name="import_expiry"),
        )

    def __str__(self) -> str:
        return f"import {self.pk}"

    def move(self, before: ImportStatus, after: ImportStatus, **fields: Any) -> bool:
        """Change the status; False if another process changed it or took it over."""
        mine = ConversationImport.objects.filter(
            pk=self.pk, status=before, claimed_by=self.claimed_by
        )
        if not mine.update(status=after, **fields):
            return False
        self.status = after
        for name, value in fields.items():
            setattr(self, name, value)
        return True

    def claim(self, keeper: uuid.UUID, seconds: float) -> bool:
        """Have this keeper alone work on it for so long; False if another one does."""
        now = timezone.now()
        until = now + timedelta(seconds=seconds)
        same = ConversationImport.objects.filter(pk=self.pk, status=self.status)
        self.claimed_by = keeper
        if same.filter(claimed_by=keeper).update(claimed_until=until):
            return True
        free = same.filter(Q(claimed_until=None) | Q(claimed_until__lt=now))
        taken = {"claimed_by": keeper, "claimed_until": until, "tries": F("tries") + 1}
        return bool(free.update(**taken))


class ImportPiece(FilePiece):
    """A piece of a file that was sent."""

    file = models.ForeignKey(
        ConversationImport, on_delete=models.CASCADE, related_name="pieces"
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("file", "number"), name="one_import_piece"),
        )


class EntryState(models.TextChoices):
    """What became of a conversation of a file."""

    WAITING = "waiting"
    #: The owner has it already.
    DUPLICATE = "duplicate"
    DONE = "done"
    FAILED = "failed"


class ImportEntry(models.Model):
    """A conversation of a file, as it will be stored."""

    of_import = models.ForeignKey(
        ConversationImport, on_delete=models.CASCADE, related_name="entries"
    )
    number = models.PositiveIntegerField()
    state = models.CharField(
        max_length=9, choices=EntryState, default=EntryState.WAITING
    )
    source = models.CharField(max_length=20)
    source_id = models.CharField(max_length=200, blank=True)
    #: Of the messages.
    digest = models.CharField(max_length=64)
    title = models.CharField(max_length=200)
    #: How many messages are shown, and how many are other versions.
    shown = models.PositiveIntegerField()
    others = models.PositiveIntegerField()
    #: How much cannot come, by its kind.
    left_out = models.JSONField(default=dict)
    #: Fields of the conversation, and the number of its last message shown.
    fields = models.JSONField(default=dict)
    #: The messages, packed; empty once they are stored.
    content = models.BinaryField()
    conversation = models.ForeignKey(
        "chat.Conversation", on_delete=models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(
                fields=("of_import", "number"), name="one_import_entry"
            ),
        )

    def __str__(self) -> str:
        return f"entry {self.number} of {self.of_import_id}"


class ConversationSource(models.Model):
    """Where a conversation was imported from, so that it is not imported twice."""

    conversation = models.OneToOneField(
        "chat.Conversation",
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="source",
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    source = models.CharField(max_length=20)
    source_id = models.CharField(max_length=200, blank=True)
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("owner", "source", "source_id", "digest"),
                name="one_import_of_a_conversation",
            ),
        )

    def __str__(self) -> str:
        return f"source of {self.conversation_id}"
