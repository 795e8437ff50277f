"""The state of replies of the caller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from django.http import HttpRequest

from chat.http.request import session_key, visitor
from chat.models import Message
from chat.services.jobs.reply_status import ReplyStatus
from chat.services.jobs.status import poll_snapshot, status_from_row, worker_snapshot
from chat.services.wait_estimate import estimate_wait
from chatsite import wire
from chatsite.model_choice import model_entry


def current_status(request: HttpRequest, pk: UUID) -> ReplyStatus:
    """Return the status of a reply of the caller; no SQL while it waits or grows."""
    return _from_mailbox(request, [pk])[0]


def statuses_of(
    request: HttpRequest, messages: Sequence[Message]
) -> dict[UUID, ReplyStatus]:
    """The status of those messages that are replies, by one question to the mailbox.

    The messages are the caller's.
    """
    replies = [message for message in messages if not message.is_from_user]
    queued = [m.pk for m in replies if m.reply.state == wire.State.QUEUED]
    found = {m.pk: _from_row(m) for m in replies if m.reply.state != wire.State.QUEUED}
    found |= {status.pk: status for status in _from_mailbox(request, queued)}
    return found


def _from_mailbox(request: HttpRequest, pks: Sequence[UUID]) -> Sequence[ReplyStatus]:
    if not pks:
        return ()
    seen = [(str(pk), 0, 0) for pk in pks]
    key, model = session_key(request), model_entry().name
    found = poll_snapshot(key, lambda: visitor(request), model, seen)
    workers = {model: () if found.is_paused else found.workers}
    return [_with_wait(status, workers) for status in found.statuses]


def _with_wait(
    status: ReplyStatus, workers: dict[str, tuple[wire.Announcement, ...]]
) -> ReplyStatus:
    """The status with the expected wait, if it is in a queue.

    ``workers`` are those of some models; those of others are asked for and added.
    """
    if not status.model:
        return status
    if status.model not in workers:
        seen = worker_snapshot(status.model)
        workers[status.model] = () if seen.is_paused else seen.workers
    expected = estimate_wait(
        status.place, workers[status.model], is_helper=status.is_helper
    )
    return replace(status, expected_wait=expected)


def _from_row(message: Message) -> ReplyStatus:
    return status_from_row(message.reply)
