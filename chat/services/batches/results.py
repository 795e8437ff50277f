"""What is counted and written when a line of a batch ends."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, QuerySet, Sum
from django.db.models.functions import Length

from chat.models import (
    Batch,
    BatchFile,
    BatchLine,
    BatchStatus,
    LineState,
    Purpose,
    Reply,
)
from chat.models.batch import OPEN_STATES
from chat.services.batches.files import kept_until
from chat.services.webhooks.events import record_batch_end


def ended_lines(batch: Batch) -> QuerySet[BatchLine]:
    """The lines that were sent, whose replies have all ended."""
    unfinished = Reply.objects.unfinished()
    coming = unfinished.filter(message__conversation=OuterRef("conversation"))
    return batch.lines.filter(state=LineState.SENT).exclude(Exists(coming))


def replies_to(line: BatchLine) -> list[Reply]:
    """The replies to a line, in the order of the choices; none if they were erased."""
    if line.conversation_id is None:
        return []
    replies = Reply.objects.not_deleted().select_related("message")
    found = replies.filter(message__conversation=line.conversation_id)
    return sorted(found, key=lambda reply: reply.seed)


def send_again(line: BatchLine) -> None:
    """Have a line sent once more, since its replies were erased or expired."""
    sent = BatchLine.objects.filter(pk=line.pk, state=LineState.SENT)
    sent.update(state=LineState.WAITING, conversation=None)


@transaction.atomic
def end_lines(lines: Iterable[tuple[BatchLine, LineState, str]]) -> None:
    """Write the results of lines, each of them once."""
    for line, state, result in lines:
        line.end(state, result)


#: Written as SQL, because one statement of Django for many lines compares each line
#: with each result.
FAIL_UNSENT = """
    UPDATE chat_batchline SET state = %s, body = '', result = %s
    WHERE id = %s AND state = %s
"""


@transaction.atomic
def fail_unsent(batch: Batch, results: Iterable[tuple[BatchLine, str]]) -> None:
    """Write the results of lines that were not sent, and count them.

    A line that was sent meanwhile is left as it is.
    """
    failed, waiting = str(LineState.FAILED), str(LineState.WAITING)
    rows = [(failed, result, line.pk, waiting) for line, result in results]
    with connection.cursor() as cursor:
        cursor.executemany(FAIL_UNSENT, rows)
        count = cursor.rowcount
    Batch.objects.filter(pk=batch.pk).update(failed=F("failed") + count)


def has_open_lines(batch: Batch) -> bool:
    """Whether a line has no result."""
    return batch.lines.filter(state__in=OPEN_STATES).exists()


@transaction.atomic
def finish(batch: Batch, before: BatchStatus, after: BatchStatus) -> bool:
    """End a batch whose lines have ended, with its files; False if another did."""
    if not batch.move(before, after):
        return False
    batch.output_file = _output(batch, LineState.DONE, "output")
    batch.error_file = _output(batch, LineState.FAILED, "errors")
    batch.save(update_fields=["output_file", "error_file"])
    record_batch_end(batch)
    return True


def _output(batch: Batch, state: LineState, name: str) -> BatchFile | None:
    lines = batch.lines.filter(state=state)
    # Results are ASCII, so characters are bytes; each line has an end.
    size = lines.aggregate(size=Sum(Length("result") + 1))["size"]
    if size is None:
        return None
    return BatchFile.objects.create(
        owner_id=batch.owner_id,
        name=f"batch_{batch.pk.hex}_{name}.jsonl",
        purpose=Purpose.OUTPUT,
        size_bytes=size,
        expires_at=kept_until(),
    )
