"""What changed since a page last asked, as fragments to swap into it.

Polls, sending and stopping get the same answer: everything that differs from the state
that the page sends, and the poller for its next request.
"""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django_htmx.http import HttpResponseClientRedirect

from chat.http.get_or_404 import get_conversation_or_404
from chat.http.request import Request, session_key, visitor
from chat.models import Conversation, User
from chat.page.changes import load_changes
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
from chat.page.context_limits import ScarceLimitContext
from chat.page.delta import PageDelta
from chat.page.state import PageState, owner_fingerprint
from chat.services.context_usage import ContextUsage
from chat.services.conversation_list import ListPart, newest
from chat.services.conversations import mark_read
from chat.services.effective_settings import catalog_entry
from chat.services.jobs.status import (
    NotOwner,
    PollSnapshot,
    poll_snapshot,
    worker_snapshot,
)
from chat.services.limits import usage
from chat.services.limits.remaining import scarce_limit
from chatsite.catalog import ModelEntry


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


def update(
    request: HttpRequest, page_state: PageState, *, key: str = ""
) -> HttpResponse:
    """Answer a poll, or an action of this page. Raises ``NotOwner``, ``Http404``.

    No SQL runs while replies are pending and nothing else changed. ``key`` is the
    idempotency key for the next message, after one was accepted.
    """
    entry = catalog_entry(page_state.model)
    snapshot = _snapshot(request, page_state, entry)
    delta = _delta_of_pending(page_state, snapshot)
    is_changed = _is_changed(page_state, snapshot)
    if _has_account_session_ended(page_state, snapshot):
        raise NotOwner
    if is_changed and page_state.conversation:
        owner = owner_of(snapshot)
        delta.conversation = get_conversation_or_404(owner, page_state.conversation)
        if not page_state.is_hidden:
            mark_read(delta.conversation)
        load_changes(request, page_state, delta.conversation, delta)
    context = {
        **_context(page_state, snapshot, entry, delta, is_changed=is_changed),
        **_scarce_limit_context(page_state, snapshot, delta, is_changed=is_changed),
        "key": key,
    }
    return render(request, "poll/_update.html", context)


def update_or_redirect(
    request: Request, page_state: PageState, url: str, *, key: str = ""
) -> HttpResponse:
    """Answer an action that is done: with what changed, or by a redirect to ``url``.

    A page without htmx is redirected. So is a page that names a conversation or a
    reply of another owner: the action itself must not look refused.
    """
    if not request.htmx:
        return HttpResponseRedirect(url, status=303)
    try:
        return update(request, page_state, key=key)
    except (NotOwner, Http404):
        return HttpResponseClientRedirect(url)


def _scarce_limit_context(
    page_state: PageState,
    snapshot: PollSnapshot,
    delta: PageDelta,
    *,
    is_changed: bool,
) -> ScarceLimitContext | dict[str, bool]:
    """The scarce limit, where a message was sent or ended, or where it refills.

    Empty where the page shows it as it is.
    """
    due_at = page_state.scarce_limit_due_at
    is_due = is_changed or page_state.is_scarce_limit_due(usage.clock())
    if due_at is None or not snapshot.owner or not is_due:
        return {}
    if delta.conversation is not None:
        owner: User | None = delta.conversation.owner
    else:
        owner = User.objects.filter(pk=UUID(snapshot.owner)).first()
    scarce = scarce_limit(owner) if owner else None
    if scarce is not None and due_at == 0:
        delta.announcements.append(scarce.text)
    has_changed = scarce is not None or due_at != 0
    return {"scarce_limit": scarce, "has_scarce_limit_changed": has_changed}


def _snapshot(
    request: HttpRequest, page_state: PageState, entry: ModelEntry
) -> PollSnapshot:
    """The snapshot for the visitor; for an anonymous page only that of the workers.

    A redirect home would lead an anonymous page to the page that it is.
    """
    key = session_key(request)
    is_anonymous = (
        settings.GUESTS
        and page_state.is_anonymous
        and not page_state.watched
        and not page_state.conversation
    )
    if is_anonymous and key is None:
        return worker_snapshot(entry.name)
    try:
        return poll_snapshot(
            key, lambda: visitor(request), entry.name, page_state.cursors
        )
    except NotOwner:
        if is_anonymous:
            return worker_snapshot(entry.name)
        raise


def _delta_of_pending(page_state: PageState, snapshot: PollSnapshot) -> PageDelta:
    """What the snapshot says is new of the replies that the page shows as pending."""
    delta = PageDelta(
        held=list(page_state.held),
        paused=list(page_state.paused),
        held_fingerprint=page_state.held_fingerprint,
        leaf=page_state.leaf,
        path_fingerprint=page_state.path_fingerprint,
    )
    for before, status in zip(page_state.cursors, snapshot.statuses, strict=True):
        delta.add_status(before, status, is_away=snapshot.is_away)
    return delta


def _is_changed(page_state: PageState, snapshot: PollSnapshot) -> bool:
    """Whether the database must be queried. An unknown counter counts as changed."""
    if not snapshot.owner:
        return False
    fingerprint = owner_fingerprint(snapshot.owner)
    is_anothers = page_state.owner_fingerprint not in ("", fingerprint)
    has_ended = any(status.state.is_terminal for status in snapshot.statuses)
    counter = snapshot.change_counter
    return (
        has_ended or is_anothers or not counter or counter != page_state.change_counter
    )


def _has_account_session_ended(page_state: PageState, snapshot: PollSnapshot) -> bool:
    """Whether a page without a conversation belongs to an account that logged out.

    A page with a conversation is refused where the conversation is looked up.
    """
    is_anothers = page_state.owner_fingerprint != owner_fingerprint(snapshot.owner)
    return is_anothers and page_state.is_account and not page_state.conversation


def _is_account(page_state: PageState, delta: PageDelta) -> bool:
    """Whether the page belongs to an account; a guest's page does after signing up."""
    if delta.conversation is not None:
        return not delta.conversation.owner.is_guest
    return page_state.is_account


def _context(
    page_state: PageState,
    snapshot: PollSnapshot,
    entry: ModelEntry,
    delta: PageDelta,
    *,
    is_changed: bool,
) -> UpdateContext:
    listed = newest(owner_of(snapshot), page_state.since) if is_changed else None
    after = _state_after(page_state, snapshot, delta, listed)
    replies = (*snapshot.statuses, *delta.statuses)
    is_pending = bool(after.first_pending)
    return {
        **worker_context(snapshot, entry, is_pending=is_pending),
        **poller_context(replace(snapshot, statuses=replies), after),
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
