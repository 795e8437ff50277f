"""The answer to a poll after which the database need not be asked.

Most polls are of this kind: nothing changed but the text and the status of replies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from django.conf import settings
from django.utils.safestring import SafeString

from chat.models import Conversation
from chat.page import poll_fragments
from chat.page.context import (
    MessageContext,
    PollerContext,
    WorkerContext,
    message_context,
    owner_of,
    poller_context,
    with_worker_state,
    worker_context,
)
from chat.page.delta import PageDelta
from chat.page.state import PageState, owner_fingerprint
from chat.services.context_usage import ContextUsage
from chat.services.conversation_list import ListPart, newest
from chat.services.jobs.reply_status import PollSnapshot, ReplyStatus
from chat.services.jobs.status import snapshot_of
from chat.services.limits import usage
from chat.services.session_digest import session_digest
from chatsite import wire
from chatsite.catalog import ModelEntry
from chatsite.mailbox import (
    MailboxAway,
    MailboxSnapshot,
    QueuedReply,
    ReplyCursor,
    RunningReply,
    open_mailbox,
)


class UpdateContext(WorkerContext, PollerContext, MessageContext):
    """For ``poll/_update.html``, besides ``ScarceLimitContext`` and the form's key."""

    delta: PageDelta
    #: Whether the list of conversations is part of the answer.
    is_changed: bool
    conversation_list: ListPart | None
    #: None where the database was not queried for it.
    conversation: Conversation | None
    context_usage: ContextUsage | None
    have_workers_changed: bool
    #: Whether the Stop button stops another reply now, or none.
    has_first_pending_changed: bool


def mailbox_look(
    session_key: str, model: str, page_state: PageState
) -> MailboxSnapshot | None:
    """What the mailbox says; None if it does not know the session, or is away."""
    try:
        return open_mailbox().snapshot(
            session_digest(session_key),
            model,
            page_state.cursors,
            is_seen=is_seen(page_state),
        )
    except MailboxAway:
        return None


def is_seen(page_state: PageState) -> bool:
    """Whether it is to be noted that this page is in front of its owner."""
    has_notices = settings.HAS_PUSH or settings.HAS_READY_MAIL
    return has_notices and not page_state.is_hidden


def quiet_snapshot(look: MailboxSnapshot, page_state: PageState) -> PollSnapshot | None:
    """The snapshot that the mailbox gives; None if it needs the database."""
    if not all(map(_is_unfinished, look.replies)):
        return None
    snapshot = snapshot_of(look, page_state.cursors)
    return without_shown_text(snapshot, page_state)


def _is_unfinished(entry: object) -> bool:
    is_running = isinstance(entry, RunningReply) and not entry.is_stopping
    return is_running or isinstance(entry, QueuedReply)


def quiet_update(
    page_state: PageState, snapshot: PollSnapshot, entry: ModelEntry
) -> SafeString | None:
    """The answer to such a poll; None where there is more to say, or to look up.

    Its HTML is that of ``poll/_update.html`` for the same context.
    """
    if continuations_begun_anew(page_state, snapshot):
        return None
    delta = delta_of_pending(page_state, snapshot)
    if (
        must_ask_database(page_state, snapshot)
        or has_account_session_ended(page_state, snapshot)
        or page_state.is_scarce_limit_due(usage.clock())
        or page_state.is_look_due(usage.clock())
        or delta.replaced
        or delta.announcements
    ):
        return None
    context = update_context(page_state, snapshot, entry, delta, is_changed=False)
    if context["has_first_pending_changed"]:
        return None
    html = poll_fragments.poller(context, is_oob=True)
    html += poll_fragments.text_appends(delta.text_appends, snapshot, entry.label)
    if context["have_workers_changed"]:
        after = context["page_state"]
        html += poll_fragments.model_link(context, after, is_oob=True)
        html += poll_fragments.workers_notice(context, is_oob=True)
        html += poll_fragments.site_notice(snapshot.notice, is_oob=True)
    return html


def without_shown_text(snapshot: PollSnapshot, page_state: PageState) -> PollSnapshot:
    """A snapshot without the text of replies that brings nothing new.

    The mailbox gives all text behind the cursor, also the tail that the page shows.
    """
    if not any(status.text for status in snapshot.statuses):
        return snapshot
    pending = zip(
        page_state.cursors, page_state.shown_texts, snapshot.statuses, strict=True
    )
    statuses = tuple(
        replace(status, text="")
        if _is_same_text(status, before) and status.length <= shown.length
        else status
        for before, shown, status in pending
    )
    return replace(snapshot, statuses=statuses)


def _is_same_text(status: ReplyStatus, before: ReplyCursor) -> bool:
    """Whether a running reply goes on with the text that the page shows."""
    is_running = status.state is wire.State.RUNNING
    return is_running and (status.run, status.offset) == before[1:]


def continuations_begun_anew(
    page_state: PageState, snapshot: PollSnapshot
) -> list[UUID]:
    """Replies that continue a text, and whose new text is another one."""
    pending = zip(
        page_state.cursors, page_state.shown_texts, snapshot.statuses, strict=True
    )
    return [
        status.pk
        for before, shown, status in pending
        if shown.state.is_continuation
        and status.state is wire.State.RUNNING
        and not _is_same_text(status, before)
    ]


def delta_of_pending(
    page_state: PageState,
    snapshot: PollSnapshot,
    beginnings: Mapping[UUID, str] | None = None,
) -> PageDelta:
    """What the snapshot says is new of the replies that the page shows as pending.

    ``beginnings`` has the texts that replies continue which begin again.
    """
    delta = PageDelta(
        held=list(page_state.held),
        paused=list(page_state.paused),
        held_fingerprint=page_state.held_fingerprint,
        leaf=page_state.leaf,
        path_fingerprint=page_state.path_fingerprint,
    )
    known = beginnings or {}
    pending = zip(
        page_state.cursors, page_state.shown_texts, snapshot.statuses, strict=True
    )
    for before, shown, status in pending:
        delta.add_status(
            before,
            shown,
            status,
            is_away=snapshot.is_away,
            beginning=known.get(status.pk, ""),
        )
    return delta


def must_ask_database(page_state: PageState, snapshot: PollSnapshot) -> bool:
    """Whether the page may have changed. An unknown counter counts as changed."""
    if not snapshot.owner:
        return False
    fingerprint = owner_fingerprint(snapshot.owner)
    is_anothers = page_state.owner_fingerprint not in ("", fingerprint)
    has_ended = any(status.state.is_terminal for status in snapshot.statuses)
    counter = snapshot.change_counter
    return (
        has_ended or is_anothers or not counter or counter != page_state.change_counter
    )


def has_account_session_ended(page_state: PageState, snapshot: PollSnapshot) -> bool:
    """Whether a page without a conversation belongs to an account that logged out.

    A page with a conversation is refused where the conversation is looked up.
    """
    is_anothers = page_state.owner_fingerprint != owner_fingerprint(snapshot.owner)
    return is_anothers and page_state.is_account and not page_state.conversation


def update_context(
    page_state: PageState,
    snapshot: PollSnapshot,
    entry: ModelEntry,
    delta: PageDelta,
    *,
    is_changed: bool,
) -> UpdateContext:
    """What ``poll/_update.html`` shows once ``delta`` holds all that changed."""
    listed = newest(owner_of(snapshot), page_state.since) if is_changed else None
    after = _state_after(page_state, snapshot, delta, listed)
    is_pending = bool(after.first_pending)
    return {
        **worker_context(snapshot, entry, is_pending=is_pending),
        **poller_context(snapshot, after, delta.statuses),
        **message_context(),
        "delta": delta,
        "is_changed": is_changed and bool(snapshot.owner),
        "conversation_list": listed,
        "conversation": delta.conversation,
        "context_usage": delta.context_usage,
        "have_workers_changed": (
            after.workers_fingerprint != page_state.workers_fingerprint
        ),
        "has_first_pending_changed": after.first_pending != page_state.first_pending,
    }


def _state_after(
    page_state: PageState,
    snapshot: PollSnapshot,
    delta: PageDelta,
    listed: ListPart | None,
) -> PageState:
    """The state of the page once it has all that ``delta`` holds."""
    after = replace(
        page_state,
        since=listed.last if listed else page_state.since,
        leaf=delta.leaf,
        change_counter=snapshot.change_counter,
        cursors=tuple(delta.cursors),
        texts=tuple(delta.texts),
        held=tuple(delta.held),
        paused=tuple(delta.paused),
        held_fingerprint=delta.held_fingerprint,
        path_fingerprint=delta.path_fingerprint,
        model=delta.model or page_state.model,
        owner_fingerprint=owner_fingerprint(snapshot.owner),
        is_account=_is_account(page_state, delta),
        is_anonymous=not snapshot.owner,
    )
    return with_worker_state(snapshot, after)


def _is_account(page_state: PageState, delta: PageDelta) -> bool:
    """Whether the page belongs to an account; a guest's page does after signing up."""
    if delta.conversation is not None:
        return not delta.conversation.owner.is_guest
    return page_state.is_account
