"""A file of a batch: the lines that were sent, or what became of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime

from django.conf import settings
from django.db import models

#: Files are kept in pieces, so that none is in memory as a whole.
PIECE_BYTES = 262_144


class Purpose(models.TextChoices):
    """What a file is for."""

    INPUT = "batch"
    OUTPUT = "batch_output"


class BatchFileQuerySet(models.QuerySet["BatchFile"]):
    """Sets of files by age."""

    def expired(self, now: datetime) -> BatchFileQuerySet:
        """Files that are kept no longer."""
        return self.filter(expires_at__lt=now)


class BatchFile(models.Model):
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

    def add_pieces(self, chunks: Iterable[bytes]) -> None:
        """Save the content, in the transaction that saves the file."""
        for number, content in enumerate(_pieces(chunks)):
            BatchFilePiece.objects.create(file=self, number=number, content=content)

    def stored_content(self) -> Iterator[bytes]:
        """The content of a file that was sent, piece by piece."""
        for number in range(self.pieces.count()):
            content = self.pieces.values_list("content", flat=True).get(number=number)
            yield bytes(content)

    def stored_lines(self) -> Iterator[bytes]:
        """The lines of a file that was sent, without their ends."""
        rest = b""
        for content in self.stored_content():
            *lines, rest = (rest + content).split(b"\n")
            yield from lines
        if rest:
            yield rest


class BatchFilePiece(models.Model):
    """A piece of a file that was sent."""

    file = models.ForeignKey(BatchFile, on_delete=models.CASCADE, related_name="pieces")
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("file", "number"), name="one_piece"),
        )

    def __str__(self) -> str:
        return f"piece {self.number} of {self.file_id}"


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    held = b""
    for chunk in chunks:
        held += chunk
        while len(held) >= PIECE_BYTES:
            yield held[:PIECE_BYTES]
            held = held[PIECE_BYTES:]
    if held:
        yield held
