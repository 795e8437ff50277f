"""The state of a page's replies, by one trip to Redis.

While replies wait or grow no SQL runs: the mailbox knows the user of a session, refuses
every other owner, and has the text. The database is read only if the mailbox does not
know the session, if a reply ended, or if Redis is away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser

from chat.models import Reply, User
from chat.models.reply_queryset import ReplyQuerySet
from chat.services.jobs.collect import collect_now
from chat.services.jobs.publish import hand_over
from chat.services.jobs.reply_status import PollSnapshot, ReplyStatus
from chat.services.session_digest import guest_digest, key_digest, session_digest
from chat.services.site_notice import current_notice
from chatsite import wire
from chatsite.mailbox import (
    EndedReply,
    MailboxAway,
    MailboxSnapshot,
    MissingReply,
    QueuedReply,
    RunningReply,
    open_mailbox,
)
from chatsite.mailbox.results import ReplyCursor


class NotOwner(Exception):
    """The session ended, or a requested reply is not this owner's (HTTP 404)."""

    def __init__(self, *, is_signed_out: bool = False) -> None:
        super().__init__()
        self.is_signed_out = is_signed_out


def poll_snapshot(
    session_key: str | None,
    user: Callable[[], User | AnonymousUser],
    model: str,
    seen: Sequence[ReplyCursor] = (),
    look: MailboxSnapshot | None = None,
    *,
    is_seen: bool = False,
) -> PollSnapshot:
    """The state of replies, given as (id, run, offset already shown).

    ``user`` is called, and runs SQL, only if the mailbox does not know the session.
    ``look`` is what the mailbox has just said, and ``is_seen`` what it has to note.
    Raises ``NotOwner``.
    """
    try:
        look = look or _look(session_key, user, model, seen, is_seen=is_seen)
        if _fix_owners(look, seen):
            look = _look(session_key, user, model, seen)
    except MailboxAway:
        return _without_mailbox(_signed_in(user()), seen)
    return snapshot_of(look, seen)


def snapshot_of(look: MailboxSnapshot, seen: Sequence[ReplyCursor]) -> PollSnapshot:
    """The snapshot that the mailbox gives. Raises ``NotOwner``."""
    statuses = tuple(
        _status(look, pk, entry)
        for (pk, _, _), entry in zip(seen, look.replies, strict=True)
    )
    return PollSnapshot(
        look.owner,
        statuses,
        look.changes,
        look.waiting,
        look.workers,
        is_paused=look.is_paused,
        notice=look.notice,
    )


def _look(
    session_key: str | None,
    user: Callable[[], User | AnonymousUser],
    model: str,
    seen: Sequence[ReplyCursor],
    *,
    is_seen: bool = False,
) -> MailboxSnapshot:
    box, look = open_mailbox(), None
    if session_key:
        name = session_digest(session_key)
        look = box.snapshot(name, model, seen, is_seen=is_seen)
    if look is None:
        owner = _signed_in(user())
        name = _name(owner, session_key)
        box.remember(name, str(owner.pk))
        look = box.snapshot(name, model, seen, is_seen=is_seen)
    if look is None:
        raise MailboxAway("the mailbox forgot who asks while it was asked")
    return look


def _name(owner: User, session_key: str | None) -> str:
    """The name under which the mailbox is to know who asks.

    The session key comes from the browser and may be anything. It is not stored for a
    guest who is known by the guest cookie alone, nor for a program with an API key.
    """
    if owner.used_key is not None:
        return key_digest(owner.used_key.pk)
    if owner.is_from_cookie:
        return guest_digest(owner.pk)
    return session_digest(session_key or "")


def _signed_in(user: User | AnonymousUser) -> User:
    """The user; a guest does not count if guests are not allowed."""
    if not isinstance(user, User) or (user.is_guest and not settings.GUESTS):
        raise NotOwner(is_signed_out=True)
    return user


def _fix_owners(look: MailboxSnapshot, seen: Sequence[ReplyCursor]) -> bool:
    """Move entries of an earlier owner to the owner of their rows; whether any."""
    pks = [
        UUID(pk)
        for (pk, _, _), entry in zip(seen, look.replies, strict=True)
        if isinstance(entry, MissingReply) and entry.is_foreign
    ]
    if not pks:
        return False
    owner = UUID(look.owner)
    mine = Reply.objects.not_deleted().filter(pk__in=pks, message__owner=owner)
    found = list(mine.values_list("pk", flat=True))
    if found:
        hand_over(owner, found)
    return bool(found)


def _status(look: MailboxSnapshot, pk: str, entry: object) -> ReplyStatus:
    match entry:
        case QueuedReply():
            return ReplyStatus(
                UUID(pk),
                wire.State.QUEUED,
                run=entry.run,
                place=entry.ahead,
                is_further=entry.is_further,
                model=entry.model,
                is_helper=entry.is_helper,
                seconds=look.now - entry.queued_at,
                losses=entry.losses,
                queued_at=entry.queued_at,
            )
        case RunningReply():
            if entry.is_stopping:
                _row(look.owner, pk)  # raises if its conversation was deleted
            return ReplyStatus(
                UUID(pk),
                wire.State.RUNNING,
                run=entry.run,
                seconds=look.now - entry.started_at,
                tokens=entry.tokens,
                losses=entry.losses,
                is_stopping=entry.is_stopping,
                offset=entry.offset,
                length=entry.length,
                text=entry.text,
                is_helper=entry.is_helper,
                queued_at=entry.queued_at,
                started_at=entry.started_at,
                first_text_at=entry.first_text_at,
            )
        case EndedReply():
            return status_from_row(collect_now(_row_with_path(look.owner, pk)))
        case MissingReply(is_foreign=False):
            return status_from_row(_row(look.owner, pk))
    raise NotOwner


def _row(owner: str, pk: str) -> Reply:
    """The reply with its message. Raises ``NotOwner``."""
    return _only(Reply.objects.select_related("message"), owner, pk)


def _row_with_path(owner: str, pk: str) -> Reply:
    """The reply with all that collecting needs. Raises ``NotOwner``."""
    return _only(Reply.objects.with_path(), owner, pk)


def _only(replies: ReplyQuerySet[Reply], owner: str, pk: str) -> Reply:
    try:
        return replies.not_deleted().get(pk=UUID(pk), message__owner=UUID(owner))
    except Reply.DoesNotExist:
        raise NotOwner from None


def status_from_row(row: Reply) -> ReplyStatus:
    """The status of a reply that the mailbox does not know, with its message."""
    state = wire.State(row.state)
    return ReplyStatus(
        row.pk,
        state,
        losses=row.losses,
        is_stopping=row.stop_requested_at is not None and not state.is_terminal,
        is_unpublished=state is wire.State.QUEUED,
        is_helper=row.is_helper,
        row=row,
        # Before its end the text is the beginning that it continues; pages have it.
        text=row.message.text if state.is_terminal else "",
        tokens=row.new_tokens or 0,
        seconds=row.seconds or 0.0,
        queued_at=_stamp(row.queued_at),
        started_at=_stamp(row.started_at),
        first_text_at=_stamp(row.first_text_at),
        finished_at=_stamp(row.finished_at),
    )


def _stamp(time: datetime | None) -> float | None:
    return None if time is None else time.timestamp()


def _without_mailbox(user: User, seen: Sequence[ReplyCursor]) -> PollSnapshot:
    """The state of replies from the database alone."""
    statuses = tuple(
        replace(status_from_row(_row(str(user.pk), pk)), is_cut_off=run > 0)
        for pk, run, _ in seen
    )
    return _away(str(user.pk), statuses)


def _away(owner: str, statuses: tuple[ReplyStatus, ...] = ()) -> PollSnapshot:
    return PollSnapshot(
        owner, statuses, "", 0, (), is_away=True, notice=current_notice()
    )


def worker_snapshot(model: str) -> PollSnapshot:
    """The workers and the queue of a model, without any replies."""
    try:
        return snapshot_of(open_mailbox().model_state(model), ())
    except MailboxAway:
        return _away("")
