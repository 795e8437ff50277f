"""The loop that answers batches: reads files, feeds the queue, collects results.

The keeper runs it in each of its sweeps. Every step may be repeated, and two keepers at
once do no harm: what a line becomes is decided by conditional updates. A line is sent
in the transaction that saves its conversation and replies, and its result is made of
these rows once they have ended.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from time import monotonic
from uuid import uuid4

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from chat.api.openai.batches.lines import answered, read_call, refused, unanswered
from chat.api.openai.batches.reader import FileReader
from chat.api.openai.errors import OpenAIError
from chat.api.openai.parameters import AskedCall
from chat.models import Batch, BatchLine, BatchStatus, LineState, Reply, User
from chat.services.batches.batches import cancel_batch
from chat.services.batches.results import (
    end_lines,
    ended_lines,
    fail_unsent,
    finish,
    has_open_lines,
    replies_to,
    send_again,
)
from chat.services.calls import Caller, save_call
from chat.services.idempotency import NewIds
from chat.services.jobs.stop import stop_reply
from chat.services.limits.batch_allowance import admit_line
from chatsite import wire
from chatsite.logs import error_type
from chatsite.mailbox import MailboxAway

log = logging.getLogger(__name__)

#: Lines that one transaction ends without an answer, and for how long one sweep does
#: so: others wait for a transaction, and for a sweep.
UNANSWERED_AT_ONCE, GIVE_UP_SECONDS = 500, 0.3
CANCELLED = "batch_cancelled", "The batch was cancelled before this line was answered."
EXPIRED = "batch_expired", "The batch expired before this line was answered."
STOPPED = OpenAIError(500, "The reply was stopped.", code="stopped")
BROKEN = OpenAIError(500, "The server failed at this line.", code="server_error")
#: What fails a round rather than one line: it is tried again in the next.
AWAY = (MailboxAway, OperationalError, InterfaceError)

Result = tuple[BatchLine, LineState, str]


def run_batches(reader: FileReader | None = None) -> None:
    """Run one round of all batches. Raises ``MailboxAway``.

    ``reader`` remembers from round to round how far files are read.
    """
    (reader or FileReader()).read()
    found = Batch.objects.unfinished().select_related("owner", "key", "input_file")
    batches = list(found.order_by("owner", "created_at"))
    ends_at = monotonic() + GIVE_UP_SECONDS
    for batch in batches:
        with _alone(batch):
            _advance(batch, ends_at)
    running = [one for one in batches if one.status == BatchStatus.IN_PROGRESS]
    by_owner = [list(group) for _, group in groupby(running, lambda one: one.owner_id)]
    for of_owner in by_owner:
        with _alone(of_owner[0]):
            _feed(of_owner, max(1, settings.BATCH_LINES_AHEAD // len(by_owner)))


@contextmanager
def _alone(batch: Batch) -> Iterator[None]:
    """Log what fails at a batch, and go on with the others.

    The text of the error is left out: it may have parts of the batch.
    """
    try:
        yield
    except MailboxAway:
        raise
    except Exception as error:
        log.error("batch %s is put off: %s", batch.pk, error_type(error))  # noqa: TRY400


def _advance(batch: Batch, ends_at: float) -> None:
    """Bring one batch as far as it can come now.

    At ``ends_at`` the rest of its waiting lines is left to the next round.
    """
    if batch.key is not None and batch.key.revoked_at is not None:
        cancel_batch(batch)
    if batch.status == BatchStatus.CANCELLING:
        _collect(batch, CANCELLED)
        _give_up(batch, CANCELLED, ends_at)
        _finish(batch, BatchStatus.CANCELLED)
    elif batch.status == BatchStatus.IN_PROGRESS and timezone.now() > batch.expires_at:
        _collect(batch, EXPIRED)
        _give_up(batch, EXPIRED, ends_at)
        _finish(batch, BatchStatus.EXPIRED)
    elif batch.status == BatchStatus.IN_PROGRESS:
        _collect(batch)
        if not has_open_lines(batch):
            batch.move(BatchStatus.IN_PROGRESS, BatchStatus.FINALIZING)
    if batch.status == BatchStatus.FINALIZING:
        _finish(batch, BatchStatus.COMPLETED)


def _finish(batch: Batch, after: BatchStatus) -> None:
    if not has_open_lines(batch) and finish(batch, BatchStatus(batch.status), after):
        log.info("batch %s: %s", batch.pk, after)


def _collect(batch: Batch, ending: tuple[str, str] | None = None) -> None:
    """Write the results of the lines whose replies have ended.

    ``ending`` says why the batch ends, if it is not by itself.
    """
    lines = list(ended_lines(batch)[: settings.BATCH_LINES_AHEAD])
    end_lines(list(_results(batch, lines, ending)))


def _results(
    batch: Batch, lines: list[BatchLine], ending: tuple[str, str] | None
) -> Iterator[Result]:
    for line in lines:
        replies = replies_to(line)
        is_stopped = any(reply.state == wire.State.STOPPED for reply in replies)
        is_lost = not replies or any(map(_is_expired, replies))
        if ending and (is_stopped or is_lost):
            yield line, LineState.FAILED, unanswered(line, *ending)
        elif is_lost:
            send_again(line)
        elif is_stopped:
            yield line, LineState.FAILED, refused(line, STOPPED)
        else:
            yield _result(batch, line, replies)


def _is_expired(reply: Reply) -> bool:
    """Whether it waited too long, as lines behind many people do."""
    return reply.error == wire.ErrorCode.EXPIRED


def _result(batch: Batch, line: BatchLine, replies: list[Reply]) -> Result:
    try:
        asked = read_call(batch.endpoint, json.loads(line.body))
        return line, LineState.DONE, answered(line, asked, replies)
    except OpenAIError as error:
        return line, LineState.FAILED, refused(line, error)
    except AWAY:
        raise
    except Exception as error:
        return line, LineState.FAILED, _broken(line, error)


def _broken(line: BatchLine, error: Exception) -> str:
    """Log an error that was not expected, and return the result of its line."""
    log.error("%s failed: %s", line, error_type(error))
    return refused(line, BROKEN)


def _give_up(batch: Batch, why: tuple[str, str], ends_at: float) -> None:
    """Stop what was sent of a batch, and end what was not."""
    waiting = batch.lines.filter(state=LineState.WAITING)
    while lines := list(waiting[:UNANSWERED_AT_ONCE]):
        fail_unsent(batch, ((line, unanswered(line, *why)) for line in lines))
        if monotonic() >= ends_at:
            break
    for line in batch.lines.filter(state=LineState.SENT):
        replies = Reply.objects.unfinished().with_path()
        for reply in replies.filter(message__conversation=line.conversation_id):
            stop_reply(reply)


def _feed(batches: list[Batch], most: int) -> None:
    """Send lines of an owner's batches, the oldest batch first."""
    owner = batches[0].owner
    if not owner.is_active:
        return
    sent = BatchLine.objects.filter(batch__owner=owner, state=LineState.SENT).count()
    for batch in batches:
        waiting = batch.lines.filter(state=LineState.WAITING)
        for line in list(waiting[: max(0, most - sent)]):
            if not _send(batch, line):
                return
            sent += 1


def _send(batch: Batch, line: BatchLine) -> bool:
    """Send a line, or end it if it is refused; False if the owner has to wait."""
    try:
        asked = read_call(batch.endpoint, json.loads(line.body))
        return _sent(batch, line, asked)
    except OpenAIError as error:
        result = refused(line, error)
    except AWAY:
        raise
    except Exception as error:
        result = _broken(line, error)
    end_lines([(line, LineState.FAILED, result)])
    return True


@transaction.atomic
def _sent(batch: Batch, line: BatchLine, asked: AskedCall) -> bool:
    owner: User = batch.owner
    owner.used_key = batch.key
    ids = NewIds(uuid4(), uuid4())
    caller = Caller(owner, batch.key, is_helper=True, is_hidden=True, joins=False)
    mine = BatchLine.objects.filter(pk=line.pk)
    if not mine.filter(state=LineState.WAITING).update(state=LineState.SENT):
        return True  # another keeper has sent it
    if not admit_line(owner, asked.call.count):
        transaction.set_rollback(True)
        return False
    save_call(caller, asked.call, ids)
    mine.update(conversation=ids.conversation)
    return True
