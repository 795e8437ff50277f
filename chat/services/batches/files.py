"""Files of batches: kept, read and deleted for their owner."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID, uuid4

from django.conf import settings
from django.db import models, transaction
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext as _

from chat.models import (
    Batch,
    BatchFile,
    BatchLine,
    BatchStatus,
    LineState,
    Purpose,
    User,
)
from chat.services.advisory_lock import advisory_lock
from chat.services.errors import MessageRefused
from chat.services.limits.wording import number

NAME_CHARACTERS = 200
#: Lines of an output that are read from the database at once.
LINES_PER_READ = 200


def kept_until() -> datetime:
    """When a file that is made now is erased."""
    return timezone.now() + timedelta(days=settings.BATCH_KEEP_DAYS)


@transaction.atomic
def save_file(
    owner: User,
    name: str,
    size: int,
    chunks: Iterable[bytes],
    pk: UUID | None = None,
) -> BatchFile:
    """Keep a file of calls. Raises ``MessageRefused``."""
    advisory_lock([f"batches:{owner.pk}"])
    if size > settings.BATCH_FILE_MAX_BYTES:
        limit = filesizeformat(settings.BATCH_FILE_MAX_BYTES)
        said = _("The file is too large. It may have %(limit)s: split it.")
        raise MessageRefused("file_too_large", said % {"limit": limit})
    if not size:
        said = _("The file is empty. Choose one with a JSON object in each line.")
        raise MessageRefused("empty_file", said)
    if owner.batch_files.count() >= settings.BATCH_FILES_MAX:
        most = number(settings.BATCH_FILES_MAX)
        said = _("You keep %(most)s files of batches, the maximum. Delete one first.")
        raise MessageRefused("too_many_files", said % {"most": most})
    file = BatchFile.objects.create(
        pk=pk or uuid4(),
        owner=owner,
        name=name[:NAME_CHARACTERS],
        purpose=Purpose.INPUT,
        size_bytes=size,
        expires_at=kept_until(),
    )
    file.add_pieces(chunks)
    return file


def is_content_of(
    file: BatchFile, name: str, size: int, chunks: Iterable[bytes]
) -> bool:
    """Whether a file was sent with this name and content."""
    if (file.name, file.size_bytes) != (name[:NAME_CHARACTERS], size):
        return False
    return _digest(file.stored_content()) == _digest(chunks)


def _digest(chunks: Iterable[bytes]) -> bytes:
    found = sha256()
    for chunk in chunks:
        found.update(chunk)
    return found.digest()


def content_of(file: BatchFile) -> Iterator[bytes]:
    """The content of a file, in pieces."""
    if file.purpose == Purpose.INPUT:
        return file.stored_content()
    return _results(result_lines(file))


def result_lines(file: BatchFile) -> models.QuerySet[BatchLine]:
    """The lines whose results are the content of an output."""
    failed = Batch.objects.filter(error_file=file).first()
    if failed is not None:
        return failed.lines.filter(state=LineState.FAILED)
    done = BatchLine.objects.filter(state=LineState.DONE)
    return done.filter(batch__output_file=file)


def _results(lines: models.QuerySet[BatchLine]) -> Iterator[bytes]:
    """Read by number: a cursor would stay open while a client takes its time."""
    after = 0
    while found := list(
        lines.filter(number__gt=after).values_list("number", "result")[:LINES_PER_READ]
    ):
        yield "".join(f"{result}\n" for _, result in found).encode()
        after = found[-1][0]


@transaction.atomic
def delete_file(file: BatchFile) -> None:
    """Delete a file with its content. Raises ``MessageRefused`` if a batch reads it."""
    reading = Batch.objects.filter(input_file=file, status=BatchStatus.VALIDATING)
    if reading.exists():
        said = _("A batch is reading this file. Delete it later, or cancel the batch.")
        raise MessageRefused("file_in_use", said)
    if file.purpose == Purpose.OUTPUT:
        result_lines(file).update(result="")
    file.delete()
