"""Collects replies: copies the end of a reply from the mailbox into its row."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from chat.models import Message, Origin, Reply
from chat.models.sql_rows import update_where
from chat.services.jobs.bounded_end import bounded_end, with_possible_counts
from chat.services.jobs.publish import release_next
from chat.services.jobs.wanted_titles import want_title
from chat.services.limits.usage import charge_tokens
from chat.services.metrics.reply_counts import counts_of
from chat.services.notifications.record import record_notices
from chat.services.optional_write import NotWritten, optional_write, wait_until_durable
from chat.services.webhooks.events import record_end
from chatsite import wire
from chatsite.mailbox import CollectedReply, Mailbox, MailboxAway, open_mailbox
from chatsite.mailbox.results import FinishedReply
from chatsite.tracing import record_span, span

log = logging.getLogger(__name__)


def collect(pk: str) -> Reply | None:
    """Copy an ended reply into the database; any process may repeat it.

    Returns the row, or None if there is nothing to collect. Raises ``MailboxAway``.
    """
    return next(iter(collect_together([pk])), None)


def collect_together(pks: Sequence[str]) -> list[Reply]:
    """The same for several: reads and confirms them together, and copies one by one.

    If one cannot be copied, those before it are confirmed; raises its error.
    """
    box = open_mailbox()
    return _take(box, [bounded_end(ending) for ending in box.finished_replies(pks)])


def give_up(pk: str) -> None:
    """Let a reply fail whose end cannot be copied. Raises ``MailboxAway``.

    If not even its attempt can be read, it is published again instead.
    """
    box, now = open_mailbox(), time.time()
    [published] = box.publications([pk])
    if published is None or not _is_id(pk):
        box.erase([pk])
    else:
        failed = FinishedReply(
            reply=pk,
            attempt=published.attempt,
            losses=0,
            outcome=wire.Outcome.FAILED,
            text="",
            worker="",
            queued_at=now,
            started_at=None,
            first_text_at=None,
            finished_at=now,
            details={"error": wire.ErrorCode.MODEL_ERROR.value},
        )
        _take(box, [failed])


def _is_id(pk: str) -> bool:
    try:
        return bool(UUID(pk))
    except ValueError:
        return False


def _take(box: Mailbox, ended: Sequence[FinishedReply]) -> list[Reply]:
    """Copy ends one by one, and confirm those that were copied together."""
    endings = {UUID(ending.reply): ending for ending in ended}
    found = Reply.objects.with_path().in_bulk(list(endings))
    collected = [_unknown(ending) for pk, ending in endings.items() if pk not in found]
    copied = []
    try:
        for pk, reply in found.items():
            ending = with_possible_counts(endings[pk], reply)
            is_mine = _copy(reply, ending)
            collected.append(_collected(reply, ending, is_mine=is_mine))
            copied.append(reply)
    finally:
        _confirm_and_release(box, collected, copied)
    return copied


def collect_now(reply: Reply) -> Reply:
    """The same for a page, which does not wait for other writers.

    Returns the row as it ended. If the database is locked or Redis goes away, only the
    row in memory is changed, and the keeper collects the reply later.
    """
    if reply.is_terminal:
        # Another process may be writing the row at this moment.
        wait_until_durable()
        return reply
    box, pk, is_saved = open_mailbox(), str(reply.pk), False
    try:
        ending = _read(box, pk)
        if ending is None or ending.attempt != reply.attempt:
            return reply
        ending = with_possible_counts(ending, reply)
        with optional_write():
            is_mine = _end(reply, ending)
        is_saved = True
        if not is_mine:
            return Reply.objects.with_path().get(pk=reply.pk)
        _confirm_and_release(box, [_collected(reply, ending, is_mine=True)], [reply])
    except MailboxAway as error:
        log.info("reply %s is collected later: %s", reply.pk, error)
    except NotWritten:
        log.info("the database is busy: reply %s is collected later", reply.pk)
        if not is_saved and ending is not None:
            _show_as_ended(reply, ending)
    return reply


def _read(box: Mailbox, pk: str) -> FinishedReply | None:
    """Return the end of a reply, if there is one that can be read."""
    try:
        ending = box.finished_reply(pk)
        return None if ending is None else bounded_end(ending)
    except (ValueError, KeyError, RecursionError):
        log.info("the end of reply %s cannot be read: the keeper sees to it", pk)
        return None


def _confirm_and_release(
    box: Mailbox, collected: Sequence[CollectedReply], replies: Iterable[Reply]
) -> None:
    """Remove entries from the mailbox, notify pages and start the next held replies.

    Raises ``MailboxAway``.
    """
    box.mark_collected(collected)
    release_next(*(reply.message.conversation for reply in replies))


def _collected(reply: Reply, ending: FinishedReply, *, is_mine: bool) -> CollectedReply:
    """The reply is counted if this process has ended it."""
    conversation = reply.message.conversation
    owner = str(conversation.owner_id) if conversation.has_page else ""
    is_counted = is_mine and reply.origin == Origin.GENERATED
    counts = counts_of(ending) if is_counted else {}
    return CollectedReply(ending.reply, ending.attempt, owner, counts)


def _unknown(ending: FinishedReply) -> CollectedReply:
    """Its row was deleted."""
    return CollectedReply(ending.reply, ending.attempt)


def _show_as_ended(reply: Reply, ending: FinishedReply) -> None:
    reply.state = wire.State(ending.outcome)
    for name, value in _fields(reply, ending).items():
        setattr(reply, name, value)
    reply.message.text = _text(reply, ending)


def _copy(reply: Reply, ending: FinishedReply) -> bool:
    """Copy in one transaction; False if the row has ended or was republished."""
    if reply.attempt != ending.attempt:
        return False
    with transaction.atomic():
        return _end(reply, ending)


def _end(reply: Reply, ending: FinishedReply) -> bool:
    """Finish the row, within a transaction; False if its state changed before."""
    with reply.logged(), span("collect", reply=str(reply.pk)):
        is_ended = _end_row(reply, ending)
        if is_ended:
            log.info("reply %s collected: %s", reply.pk, ending.outcome)
            if ending.started_at is not None:
                waited = ending.queued_at, ending.started_at
                record_span("wait in line", *waited, reply=str(reply.pk))
    return is_ended


def _end_row(reply: Reply, ending: FinishedReply) -> bool:
    # All code that locks both locks the conversation first.
    reply.message.conversation.claim()
    if not reply.end(wire.State(ending.outcome), **_fields(reply, ending)):
        return False
    text = _text(reply, ending)
    update_where(Message, {"id": reply.pk}, text=text)
    if ending.outcome is not wire.Outcome.STOPPED:  # the user knows about it
        is_ready = ending.outcome is wire.Outcome.DONE
        reply.message.conversation.mark_unread(reply.pk if is_ready else None)
    if reply.origin == Origin.GENERATED:
        tokens = (reply.prompt_tokens or 0) + (reply.new_tokens or 0)
        charge_tokens(reply.message.conversation.owner, tokens, reply.key_id)
        record_end(reply)
        record_notices(reply)
        want_title(reply)
    reply.message.text = text
    return True


def _text(reply: Reply, ending: FinishedReply) -> str:
    """The whole text, with a space for each NUL, which PostgreSQL cannot store."""
    begun = reply.message.text[: reply.continued_characters]
    return begun + ending.text.replace("\x00", " ")


def _fields(reply: Reply, ending: FinishedReply) -> dict[str, Any]:
    """The fields of the row. Counts that no engine reported keep their defaults."""
    details = ending.details
    known: dict[str, Any] = {
        name: details[name]
        for name in (
            "prompt_tokens",
            "new_tokens",
            "dropped_turns",
            "cut_tokens",
            "is_length_limited",
        )
        if name in details
    }
    refused = details.get("refused_tokens")
    if reply.call and refused:  # the answer to the call says it
        known["call"] = {**reply.call, "refused_tokens": refused}
    return {
        **known,
        "error": details.get("error") or "",
        "revision": details.get("revision", ""),
        "precision": details.get("precision", ""),
        "losses": ending.losses,
        "worker": ending.worker,
        "started_at": _time(ending.started_at),
        "first_text_at": _time(ending.first_text_at),
        "finished_at": _time(ending.finished_at),
    }


def _time(stamp: float | None) -> datetime | None:
    return None if stamp is None else datetime.fromtimestamp(stamp, UTC)
