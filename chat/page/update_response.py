"""What changed since a page last asked, as fragments to swap into it.

Polls and stopping get the same answer: everything that differs from the state that the
page sends, and the poller for its next request. Sending mostly needs less of it: see
``sent_response``.
"""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django_htmx.http import HttpResponseClientRedirect

from chat.http.get_or_404 import get_conversation_or_404
from chat.http.request import Request, session_key, visitor
from chat.models import Message, User
from chat.page.changes import load_changes
from chat.page.context import owner_of
from chat.page.context_limits import ScarceLimitContext
from chat.page.delta import PageDelta
from chat.page.quiet_update import (
    continuations_begun_anew,
    delta_of_pending,
    has_account_session_ended,
    is_seen,
    must_ask_database,
    quiet_update,
    update_context,
    without_shown_text,
)
from chat.page.state import PageState
from chat.services.conversations import remove_badge
from chat.services.effective_settings import catalog_entry
from chat.services.jobs.reply_status import PollSnapshot
from chat.services.jobs.status import NotOwner, poll_snapshot, worker_snapshot
from chat.services.limits import usage
from chat.services.limits.remaining import scarce_limit
from chat.services.temporary_chats import note_look
from chatsite.catalog import ModelEntry

#: In ``request.META``: what the mailbox said to this poll, if it was asked already.
MAILBOX_LOOK = "chat.mailbox_look"


def update(
    request: HttpRequest, page_state: PageState, *, key: str = ""
) -> HttpResponse:
    """Answer a poll, or an action of this page. Raises ``NotOwner``, ``Http404``.

    No SQL runs while replies are pending and nothing else changed. ``key`` is the
    idempotency key for the next message, after one was accepted.
    """
    entry = catalog_entry(page_state.model)
    snapshot = _snapshot(request, page_state, entry)
    page_state = _after_look(page_state, snapshot)
    if not key and (html := quiet_update(page_state, snapshot, entry)):
        return HttpResponse(html)
    beginnings = _beginnings(continuations_begun_anew(page_state, snapshot))
    delta = delta_of_pending(page_state, snapshot, beginnings)
    if has_account_session_ended(page_state, snapshot):
        raise NotOwner
    is_changed = must_ask_database(page_state, snapshot)
    if is_changed and page_state.conversation:
        owner = owner_of(snapshot)
        delta.conversation = get_conversation_or_404(owner, page_state.conversation)
        if delta.conversation.has_unread and not page_state.is_hidden:
            remove_badge(delta.conversation)
        load_changes(request, page_state, delta.conversation, delta)
    context = {
        **update_context(page_state, snapshot, entry, delta, is_changed=is_changed),
        **_scarce_limit_context(page_state, snapshot, delta, is_changed=is_changed),
        "key": key,
    }
    return render(request, "poll/_update.html", context)


def _after_look(page_state: PageState, snapshot: PollSnapshot) -> PageState:
    """The state of the page of a temporary chat once it is noted as open."""
    owner, conversation = owner_of(snapshot), page_state.conversation
    if not (owner and conversation and page_state.is_look_due(usage.clock())):
        return page_state
    return page_state.after_look(note_look(owner, conversation))


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
        snapshot = poll_snapshot(
            key,
            lambda: visitor(request),
            entry.name,
            page_state.cursors,
            request.META.get(MAILBOX_LOOK),
            is_seen=is_seen(page_state),
        )
        return without_shown_text(snapshot, page_state)
    except NotOwner:
        if is_anonymous:
            return worker_snapshot(entry.name)
        raise


def _beginnings(replies: list[UUID]) -> dict[UUID, str]:
    """The texts that replies continue, by their ids; no SQL runs without any."""
    if not replies:
        return {}
    return dict(Message.objects.filter(pk__in=replies).values_list("pk", "text"))
