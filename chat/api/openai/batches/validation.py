"""Reads the file of a batch, and saves its lines or why it was refused."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import transaction

from chat.api.openai.batches.lines import read_line
from chat.api.openai.errors import OpenAIError
from chat.models import Batch, BatchLine, BatchStatus
from chat.services.webhooks.events import record_batch_end

#: Refusals that are told; the rest would repeat them.
ERRORS_MAX = 100
#: Rows that one statement inserts, and one transaction saves.
ROWS_PER_INSERT = 1000


class WrongFile(Exception):
    """The file has no lines that could be answered. ``errors`` say why."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__()
        self.errors = errors


def validate(batch: Batch) -> None:
    """Save the lines of a batch; may be repeated, also by two processes at once.

    The file is read twice, so that its lines are never in memory as a whole.
    """
    try:
        total = _check(batch)
    except WrongFile as wrong:
        with transaction.atomic():
            before, after = BatchStatus.VALIDATING, BatchStatus.FAILED
            if batch.move(before, after, errors=wrong.errors):
                record_batch_end(batch)
        return
    rows = _rows(batch)
    while found := list(islice(rows, ROWS_PER_INSERT)):
        BatchLine.objects.bulk_create(found, ignore_conflicts=True)
    batch.move(BatchStatus.VALIDATING, BatchStatus.IN_PROGRESS, total=total, errors=[])


def _rows(batch: Batch) -> Iterator[BatchLine]:
    """The lines of a file that was checked."""
    for number, raw in _numbered(batch):
        name, body = read_line(raw, batch.endpoint)
        yield BatchLine(batch=batch, number=number, custom_id=name, body=body)


def _check(batch: Batch) -> int:
    """Count the lines of the file. Raises ``WrongFile``."""
    errors: list[dict[str, Any]] = []
    known: set[str] = set()
    for number, raw in _numbered(batch):
        try:
            if len(known) >= settings.BATCH_LINES_MAX:
                raise _too_many()
            name, _ = read_line(raw, batch.endpoint)
            if name in known:
                raise _duplicate()
        except OpenAIError as error:
            errors.append(_error(str(error.message), error.code, number, error.param))
            if len(errors) >= ERRORS_MAX or error.code == "too_many_lines":
                break
        else:
            known.add(name)
    if errors or not known:
        raise WrongFile(errors or [_error("The file has no lines.", "empty_file")])
    return len(known)


def _numbered(batch: Batch) -> Iterator[tuple[int, bytes]]:
    """Number the lines of the file from 1; empty ones are left out.

    Raises ``WrongFile``.
    """
    if batch.input_file is None:
        raise WrongFile([_error("The file was deleted.", "file_not_found")])
    for number, line in enumerate(batch.input_file.stored_lines(), 1):
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")  # noqa: PLW2901
        if line.strip():
            yield number, line


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
