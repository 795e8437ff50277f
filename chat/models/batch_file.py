"""A file of a batch: the lines that were sent, or what became of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.db import models

from chat.models.file_pieces import FileInPieces, FilePiece


class Purpose(models.TextChoices):
    """What a file is for."""

    INPUT = "batch"
    OUTPUT = "batch_output"


class BatchFileQuerySet(models.QuerySet["BatchFile"]):
    """Sets of files by age."""

    def expired(self, now: datetime) -> BatchFileQuerySet:
        """Files that are kept no longer."""
        return self.filter(expires_at__lt=now)


class BatchFile(FileInPieces):
    """A file of an account.

    One that was sent has its content in pieces. The content of an output is the results
    of its batch's lines: those that failed, or the others.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="batch_files"
    )
    name = models.CharField(max_length=200)
    purpose = models.CharField(max_length=12, choices=Purpose.choices)
    size_bytes = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    objects = BatchFileQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = (
            models.Index(fields=("owner", "-created_at"), name="batch_file_list"),
            models.Index(fields=("expires_at",), name="batch_file_expiry"),
        )

    def __str__(self) -> str:
        return f"file {self.pk}"

    def stored_lines(self) -> Iterator[bytes]:
        """The lines of a file that was sent, without their ends."""
        rest = b""
        for content in self.stored_content():
            *lines, rest = (rest + content).split(b"\n")
            yield from lines
        if rest:
            yield rest


class BatchFilePiece(FilePiece):
    """A piece of a file that was sent."""

    file = models.ForeignKey(BatchFile, on_delete=models.CASCADE, related_name="pieces")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("file", "number"), name="one_piece"),
        )

    def __str__(self) -> str:
        return f"piece {self.number} of {self.file_id}"
