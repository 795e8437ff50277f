"""Reads the file of a batch, and saves its lines or why it was refused."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from chat.api.openai.batches.lines import read_line
from chat.api.openai.errors import OpenAIError
from chat.models import Batch, BatchLine, BatchStatus
from chat.services.webhooks.events import record_batch_end

#: Refusals that are told; the rest would repeat them.
ERRORS_MAX = 100
#: Lines that one step reads, and one transaction saves.
LINES_PER_STEP = 250


class WrongFile(Exception):
    """The file has no lines that could be answered. ``errors`` say why."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__()
        self.errors = errors


def validate(batch: Batch) -> Iterator[None]:
    """Save the lines of a batch, a step at a time; two processes at once do no harm.

    The file is read twice, so that its lines are never in memory as a whole, and none
    is saved if the file is refused.
    """
    try:
        yield from _check(batch)
        yield from _save(batch)
    except WrongFile as wrong:
        _refuse(batch, wrong.errors)


def refuse_unreadable(batch: Batch) -> None:
    """End a batch whose file cannot be read, for a reason that its owner cannot see."""
    said = "The server failed to read the file. Send it again, or tell the operator."
    _refuse(batch, [_error(said, "unreadable_file")])


@transaction.atomic
def _refuse(batch: Batch, errors: list[dict[str, Any]]) -> None:
    before, after = BatchStatus.VALIDATING, BatchStatus.FAILED
    if batch.move(before, after, errors=errors, total=0):
        record_batch_end(batch)


def _save(batch: Batch) -> Iterator[None]:
    """Save the lines of a file that was checked, unless the batch is cancelled."""
    total = 0
    for lines in _steps(batch):
        rows = [_row(batch, number, raw) for number, raw in lines]
        total += len(rows)
        if not _is_saved(batch, rows, total):
            return
        yield
    batch.move(BatchStatus.VALIDATING, BatchStatus.IN_PROGRESS, total=total, errors=[])


@transaction.atomic
def _is_saved(batch: Batch, rows: list[BatchLine], total: int) -> bool:
    """Save some lines and count them; False if the batch is read no longer.

    The update locks the batch, so no line is added to one that is being cancelled.
    """
    read = Batch.objects.filter(pk=batch.pk, status=BatchStatus.VALIDATING)
    if not read.update(total=Greatest(F("total"), total)):
        return False
    BatchLine.objects.bulk_create(rows, ignore_conflicts=True)
    return True


def _row(batch: Batch, number: int, raw: bytes) -> BatchLine:
    """A line of a file that was checked."""
    name, body = read_line(raw, batch.endpoint)
    return BatchLine(batch=batch, number=number, custom_id=name, body=body)


def _check(batch: Batch) -> Iterator[None]:
    """Read all lines, a step at a time. Raises ``WrongFile``."""
    errors: list[dict[str, Any]] = []
    known: set[bytes] = set()
    for lines in _steps(batch):
        for number, raw in lines:
            try:
                known.add(_new_digest(raw, batch.endpoint, known))
            except OpenAIError as error:
                said = str(error.message)
                errors.append(_error(said, error.code, number, error.param))
                if len(errors) >= ERRORS_MAX or error.code == "too_many_lines":
                    raise WrongFile(errors) from None
        yield
    if errors or not known:
        raise WrongFile(errors or [_error("The file has no lines.", "empty_file")])


def _new_digest(raw: bytes, endpoint: str, known: set[bytes]) -> bytes:
    """The digest of a line's custom_id, which no line before it has."""
    if len(known) >= settings.BATCH_LINES_MAX:
        raise _too_many()
    name, _ = read_line(raw, endpoint)
    digest = sha256(name.encode()).digest()
    if digest in known:
        raise _duplicate()
    return digest


def _steps(batch: Batch) -> Iterator[list[tuple[int, bytes]]]:
    """The lines of the file, numbered from 1, some at a time; empty ones are left out.

    Raises ``WrongFile``.
    """
    if batch.input_file is None:
        raise WrongFile([_error("The file was deleted.", "file_not_found")])
    lines = enumerate(batch.input_file.stored_lines(), 1)
    while found := list(islice(lines, LINES_PER_STEP)):
        if found[0][0] == 1:
            found[0] = 1, found[0][1].removeprefix(b"\xef\xbb\xbf")
        yield [(number, line) for number, line in found if line.strip()]


def _too_many() -> OpenAIError:
    said = f"A batch has at most {settings.BATCH_LINES_MAX} lines. Split the file."
    return OpenAIError(400, said, code="too_many_lines")


def _duplicate() -> OpenAIError:
    said = "An earlier line has this custom_id. Give each line one of its own."
    return OpenAIError(400, said, code="duplicate_custom_id", param="custom_id")


def _error(
    message: str, code: str | None, line: int | None = None, param: str | None = None
) -> dict[str, Any]:
    return {"code": code, "message": message, "param": param, "line": line}
