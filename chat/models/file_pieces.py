"""Files kept in the database in pieces, so that none is in memory as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.db import models

PIECE_BYTES = 262_144


class FilePiece(models.Model):
    """A piece of a file; a subclass names the ``file``."""

    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"piece {self.number}"


class FileInPieces(models.Model):
    """A file whose content is in ``pieces``."""

    #: The related manager of a subclass.
    pieces: Any

    class Meta:
        abstract = True

    def add_pieces(self, chunks: Iterable[bytes]) -> None:
        """Save the content, in the transaction that saves the file."""
        for number, content in enumerate(_pieces(chunks)):
            self.pieces.create(number=number, content=content)

    def stored_content(self) -> Iterator[bytes]:
        """The content of a file that was sent, piece by piece."""
        for number in range(self.pieces.count()):
            yield self.piece(number)

    def piece(self, number: int) -> bytes:
        """One piece; all but the last have ``PIECE_BYTES``."""
        return bytes(self.pieces.values_list("content", flat=True).get(number=number))


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    held = b""
    for chunk in chunks:
        held += chunk
        while len(held) >= PIECE_BYTES:
            yield held[:PIECE_BYTES]
            held = held[PIECE_BYTES:]
    if held:
        yield held
