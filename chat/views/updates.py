"""What happened since a page last asked, as pieces to put into it.

The answer to a poll, to sending and to stopping is one and the same: whatever
differs from what the page says it has, and the poller that asks next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django_htmx.http import HttpResponseClientRefresh

from chat.models import Conversation, Message
from chat.sentences import announcement
from chat.services.glancing import glance
from chat.services.history import newest
from chat.services.seeing import see
from chat.services.watching import NotYours, Sight, View, watch
from chat.views.browser import session_key, visitor
from chat.views.known import Known, path_fingerprint
from chat.views.lookups import get_conversation_or_404
from chat.views.page import (
    owner_of,
    poller_context,
    seen_of,
    worker_context,
    workers_fingerprint,
)
from chat.views.thread import Shown, look_at, paused_of
from chatsite import wire
from chatsite.catalog import Entry
from chatsite.choice import offered
from chatsite.mailbox.mailbox import Seen


@dataclass(frozen=True, slots=True)
class Growth:
    """One reply that waits or grows; ``is_anew`` replaces the text on the page."""

    sight: Sight
    is_anew: bool


class CannotAppend(Exception):
    """The page shows another path than the one that is shown now."""


@dataclass(slots=True)
class News:
    """What a page lacks."""

    growing: list[Growth] = field(default_factory=list)
    #: Articles that take the place of the ones on the page.
    replaced: list[Shown] = field(default_factory=list)
    appended: list[Shown] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    #: What the page has once it has all this.
    seen: list[Seen] = field(default_factory=list)
    held: list[UUID] = field(default_factory=list)
    paused: list[UUID] = field(default_factory=list)
    leaf: UUID | None = None
    path: str = ""
    #: The conversation itself, where the database was asked.
    conversation: Conversation | None = None
    #: Sights beyond those of the view, which also set the pace.
    sights: list[Sight] = field(default_factory=list)

    def add_seen(self, before: Seen, sight: Sight, *, is_away: bool) -> None:
        """News of a reply that the page already watches."""
        if sight.state.is_terminal and sight.row is not None:
            self.replaced.append(Shown(sight.row.message))
            self.said.append(announcement(sight))
            return
        is_running = sight.state is wire.State.RUNNING
        is_anew = is_running and (sight.run, sight.offset) != before[1:]
        self.growing.append(Growth(sight, is_anew))
        if is_running and sight.run != before[1]:
            self.said.append(announcement(sight))
        if is_running:
            self.seen.append(seen_of(sight))
        elif sight.row is not None and not is_away:
            # The mailbox lost it: whatever comes is another text.
            self.seen.append((before[0], 0, 0))
        else:
            self.seen.append(before)

    def add_shown(self, shown: Shown, *, is_new: bool) -> None:
        """News of a message that the page lacks, or shows as held."""
        (self.appended if is_new else self.replaced).append(shown)
        if shown.message.is_prompt:
            return
        sight = shown.sight
        self.said.append(announcement(sight or shown.message.reply))
        if sight is None:
            return
        self.sights.append(sight)
        if sight.state is wire.State.HELD:
            (self.paused if sight.is_paused else self.held).append(sight.pk)
        else:
            self.seen.append(seen_of(sight))


def update(request: HttpRequest, known: Known, *, key: str = "") -> HttpResponse:
    """Answer a poll, or an action of this page. Raises ``NotYours``, ``Http404``.

    While replies wait or grow, and nothing else changed, no SQL runs. ``key`` is for
    the next prompt, once this one was accepted.
    """
    entry = offered()
    view = _view(request, known, entry)
    news = _news_of_seen(known, view)
    is_changed = _is_changed(known, view)
    if is_changed and known.conversation:
        try:
            _learn_path(request, known, known.conversation, view, news)
        except CannotAppend:
            return HttpResponseClientRefresh()
    context = _context(known, view, entry, news, is_changed=is_changed)
    return render(request, "_update.html", context | {"key": key})


def _view(request: HttpRequest, known: Known, entry: Entry) -> View:
    """What is known now; of a page made for nobody, which asks for nothing of
    anybody's, only the workers (sending it home would bring it here again)."""
    key = session_key(request)
    try:
        return watch(key, lambda: visitor(request), entry.name, known.seen)
    except NotYours:
        asks_for_something = (
            known.seen or known.held or known.paused or known.conversation
        )
        if known.is_nobody and not asks_for_something:
            return glance(entry.name)
        raise


def _news_of_seen(known: Known, view: View) -> News:
    news = News(leaf=known.leaf, path=known.path)
    news.held, news.paused = list(known.held), list(known.paused)
    for before, sight in zip(known.seen, view.sights, strict=True):
        news.add_seen(before, sight, is_away=view.is_away)
    return news


def _is_changed(known: Known, view: View) -> bool:
    """Whether only the database can tell what is new. No counter means changed."""
    if not view.owner:
        return False
    has_ended = any(sight.state.is_terminal for sight in view.sights)
    return has_ended or not view.changes or view.changes != known.changes


def _learn_path(
    request: HttpRequest,
    known: Known,
    conversation: UUID,
    view: View,
    news: News,
) -> None:
    """The messages that the page lacks, and held ones whose turn came."""
    news.conversation = get_conversation_or_404(owner_of(view), conversation)
    see(news.conversation)
    path = news.conversation.path()
    order = [message.pk for message in path]
    if known.leaf not in order:
        raise CannotAppend
    after = order.index(known.leaf) + 1
    if known.path and known.path != path_fingerprint(order[:after]):
        raise CannotAppend
    moved = _moved(known, path[:after])
    news.held = [pk for pk in news.held if pk not in moved]
    news.paused = [pk for pk in news.paused if pk not in moved]
    lacking = [m for m in path[:after] if m.pk in moved] + path[after:]
    shown = look_at(request, offered().name, lacking)[0] if lacking else []
    for item in shown:
        news.add_shown(item, is_new=item.message.pk not in moved)
    news.leaf, news.path = order[-1], path_fingerprint(order)


def _moved(known: Known, path: Sequence[Message]) -> set[UUID]:
    """Replies that the page shows as held and that are no longer what they were,
    each with its prompt, which may have been edited meanwhile."""
    shown = {*known.held, *known.paused}
    if not shown:
        return set()
    paused = paused_of(shown)
    moved: set[UUID] = set()
    for prompt, message in pairwise(path):
        if message.pk not in shown:
            continue
        is_held = message.reply.state == wire.State.HELD
        was_paused, is_paused = message.pk in known.paused, message.pk in paused
        if not is_held or was_paused != is_paused:
            moved |= {prompt.pk, message.pk}
    return moved


def _context(
    known: Known, view: View, entry: Entry, news: News, *, is_changed: bool
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
        path=news.path,
        is_nobody=not view.owner,
    )
    is_pending = bool(after.first_pending)
    after = replace(after, workers=workers_fingerprint(view, is_pending=is_pending))
    everything = replace(view, sights=(*view.sights, *news.sights))
    return {
        **worker_context(view, entry, is_pending=is_pending),
        **poller_context(everything, after),
        "news": news,
        "is_changed": is_changed and bool(view.owner),
        "history": history,
        "conversation": news.conversation,
        "have_workers_changed": after.workers != known.workers,
        "stop": after.first_pending,
        "has_stop_changed": after.first_pending != known.first_pending,
    }
