"""What happened since a page last asked, as pieces to put into it.

The answer to a poll, to sending and to stopping is one and the same: whatever
differs from what the page says it has, and the poller that asks next.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from chat.http.get_or_404 import get_conversation_or_404
from chat.http.request import session_key, visitor
from chat.models import User
from chat.page.changes import load_changes
from chat.page.context import (
    message_context,
    owner_of,
    poller_context,
    with_worker_state,
    worker_context,
)
from chat.page.delta import PageDelta
from chat.page.state import PageState, owner_fingerprint
from chat.services.conversation_list import newest
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


def update(request: HttpRequest, known: PageState, *, key: str = "") -> HttpResponse:
    """Answer a poll, or an action of this page. Raises ``NotOwner``, ``Http404``.

    While replies wait or grow, and nothing else changed, no SQL runs. ``key`` is for
    the next prompt, once this one was accepted.
    """
    entry = catalog_entry(known.model)
    view = _view(request, known, entry)
    news = _news_of_seen(known, view)
    is_changed = _is_changed(known, view)
    if _is_of_ended_account(known, view):
        raise NotOwner
    if is_changed and known.conversation:
        conversation = get_conversation_or_404(owner_of(view), known.conversation)
        news.conversation = conversation
        if not known.is_hidden:
            mark_read(conversation)
        load_changes(request, known, conversation, news)
    context = _context(known, view, entry, news, is_changed=is_changed)
    context |= _little_context(known, view, news, is_changed=is_changed)
    return render(request, "poll/_update.html", context | {"key": key})


def _little_context(
    known: PageState, view: PollSnapshot, news: PageDelta, *, is_changed: bool
) -> dict[str, Any]:
    """What is left of the limits, where something was sent or ended, or came back."""
    is_due = is_changed or known.is_little_due(usage.clock())
    if known.little_due_at is None or not view.owner or not is_due:
        return {}
    if news.conversation is not None:
        owner: User | None = news.conversation.owner
    else:
        owner = User.objects.filter(pk=UUID(view.owner)).first()
    little = scarce_limit(owner) if owner else None
    if little is not None and known.little_due_at == 0:
        news.said.append(little.text)
    is_news = little is not None or known.little_due_at != 0
    return {"little": little, "has_little_changed": is_news}


def _view(request: HttpRequest, known: PageState, entry: ModelEntry) -> PollSnapshot:
    """What is known now; of a page made for nobody, which asks for nothing of
    anybody's, only the workers (sending it home would bring it here again)."""
    key = session_key(request)
    is_of_nobody = (
        settings.GUESTS
        and known.is_nobody
        and not known.watched
        and not known.conversation
    )
    if is_of_nobody and key is None:
        return worker_snapshot(entry.name)
    try:
        return poll_snapshot(key, lambda: visitor(request), entry.name, known.seen)
    except NotOwner:
        if is_of_nobody:
            return worker_snapshot(entry.name)
        raise


def _news_of_seen(known: PageState, view: PollSnapshot) -> PageDelta:
    news = PageDelta(leaf=known.leaf, path=known.path, ahead=known.ahead)
    news.held, news.paused = list(known.held), list(known.paused)
    for before, sight in zip(known.seen, view.sights, strict=True):
        news.add_seen(before, sight, is_away=view.is_away)
    return news


def _is_changed(known: PageState, view: PollSnapshot) -> bool:
    """Whether only the database can tell what is new. No counter means changed."""
    if not view.owner:
        return False
    is_anothers = bool(known.whose) and known.whose != owner_fingerprint(view.owner)
    has_ended = any(sight.state.is_terminal for sight in view.sights)
    is_told = view.changes and view.changes == known.changes
    return has_ended or is_anothers or not is_told


def _is_of_ended_account(known: PageState, view: PollSnapshot) -> bool:
    """Whether a page without a conversation was an account's, and the session is over.
    One with a conversation is refused where that is looked up."""
    is_anothers = known.whose != owner_fingerprint(view.owner)
    return is_anothers and known.is_accounts and not known.conversation


def _is_accounts(known: PageState, news: PageDelta) -> bool:
    """A guest's page becomes an account's by signing up."""
    if news.conversation is not None:
        return not news.conversation.owner.is_guest
    return known.is_accounts


def _context(
    known: PageState,
    view: PollSnapshot,
    entry: ModelEntry,
    news: PageDelta,
    *,
    is_changed: bool,
) -> dict[str, Any]:
    history = newest(owner_of(view), known.since) if is_changed else None
    after = replace(
        known,
        since=history.last if history else known.since,
        leaf=news.leaf,
        changes=view.changes,
        seen=tuple(news.seen),
        held=tuple(news.held),
        paused=tuple(news.paused),
        ahead=news.ahead,
        path=news.path,
        model=news.model or known.model,
        whose=owner_fingerprint(view.owner),
        is_accounts=_is_accounts(known, news),
        is_nobody=not view.owner,
    )
    after = with_worker_state(view, after)
    is_pending = bool(after.first_pending)
    everything = replace(view, sights=(*view.sights, *news.sights))
    return {
        **worker_context(view, entry, is_pending=is_pending),
        **poller_context(everything, after),
        **message_context(),
        "news": news,
        "is_changed": is_changed and bool(view.owner),
        "history": history,
        "conversation": news.conversation,
        "have_workers_changed": after.workers != known.workers,
        "filling": news.filling,
        "stop": after.first_pending,
        "has_stop_changed": after.first_pending != known.first_pending,
    }
