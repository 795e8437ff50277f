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

from chat.models import Conversation, Message
from chat.sentences import announcement
from chat.services.filling import Filling, filling
from chat.services.glancing import glance
from chat.services.preferring import entry_of, preferred
from chat.services.watching import NotYours, Sight, View, watch
from chat.views.browser import session_key, visitor
from chat.views.known import TRAIL_MESSAGES, Known, trail
from chat.views.lookups import get_conversation_or_404
from chat.views.page import (
    conversations,
    message_context,
    owner_of,
    poller_context,
    told,
    worker_context,
)
from chat.views.thread import Shown, Thread, dress, look_at, paused_of, seen_of
from chat.views.window import batch_of, newest
from chatsite import wire
from chatsite.catalog import Entry
from chatsite.mailbox.mailbox import Seen

#: More messages than this are not appended to a page: it shows its newest anew.
NEW_MESSAGES = 60


@dataclass(frozen=True, slots=True)
class Growth:
    """One reply that waits or grows; ``is_anew`` replaces the text on the page."""

    sight: Sight
    is_anew: bool


@dataclass(slots=True)
class News:
    """What a page lacks."""

    growing: list[Growth] = field(default_factory=list)
    #: Articles that take the place of the ones on the page.
    replaced: list[Shown] = field(default_factory=list)
    appended: list[Shown] = field(default_factory=list)
    #: All that the page is to show, where it shows another path or part.
    thread: Thread | None = None
    said: list[str] = field(default_factory=list)
    #: How full the model's context is, where messages came or ended.
    filling: Filling | None = None
    #: What the page has once it has all this.
    seen: list[Seen] = field(default_factory=list)
    held: list[UUID] = field(default_factory=list)
    paused: list[UUID] = field(default_factory=list)
    leaf: UUID | None = None
    path: str = ""
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

    def show_anew(self, known: Known, thread: Thread) -> None:
        """Everything is to be shown; nothing else of the page counts any more."""
        after = thread.known(known, known.changes)
        self.thread, self.growing, self.replaced = thread, [], []
        self.leaf, self.path = after.leaf, after.path
        self.seen, self.held = list(after.seen), list(after.held)
        self.paused = list(after.paused)
        for item in (*thread.shown, *thread.batch):
            if item.sight is not None:
                self.sights.append(item.sight)
                if item.sight.pk not in known.watched:
                    self.said.append(announcement(item.sight))


def update(request: HttpRequest, known: Known, *, key: str = "") -> HttpResponse:
    """Answer a poll, or an action of this page. Raises ``NotYours``, ``Http404``.

    While replies wait or grow, and nothing else changed, no SQL runs. ``key`` is for
    the next prompt, once this one was accepted.
    """
    entry = entry_of(known.model)
    view = _view(request, known, entry)
    news = _news_of_seen(known, view)
    is_changed = _is_changed(known, view)
    if is_changed and known.conversation:
        conversation = get_conversation_or_404(owner_of(view), known.conversation)
        if known.leaf:
            _learn_path(request, known, conversation, news)
    context = _context(known, view, entry, news, is_changed=is_changed)
    return render(request, "_update.html", context | {"key": key})


def _view(request: HttpRequest, known: Known, entry: Entry) -> View:
    """What is known now; of a page made for nobody, which asks for nothing of
    anybody's, only the workers (sending it home would bring it here again)."""
    key = session_key(request)
    try:
        return watch(key, lambda: visitor(request), entry.name, known.seen)
    except NotYours:
        if known.is_nobody and not known.watched and not known.conversation:
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
    request: HttpRequest, known: Known, conversation: Conversation, news: News
) -> None:
    """The messages that the page lacks, and held ones whose turn came; or all of them
    where the page shows another path than the one that is shown now."""
    ids = conversation.path_ids(limit=TRAIL_MESSAGES + NEW_MESSAGES)
    news.filling = _filling(conversation, ids)
    after = ids.index(known.leaf) + 1 if known.leaf in ids else 0
    shown_last = conversation.loaded(ids[after - 1 : after])
    batch = batch_of(shown_last[0]) if shown_last else []
    end = trail(ids[:after], [message.pk for message in batch])
    was_beside = len(batch) > 1 and after < len(ids)
    if known.path != end or was_beside:
        thread, _ = Thread.of(request, entry_of(known.model).name, newest(conversation))
        news.show_anew(known, thread)
        return
    moved = _moved(known, conversation, ids[:after])
    news.held = [pk for pk in news.held if pk not in moved]
    news.paused = [pk for pk in news.paused if pk not in moved]
    lacking = [pk for pk in ids if pk in moved] + ids[after:]
    for item in _looked_at(request, known, conversation.loaded(lacking)):
        news.add_shown(item, is_new=item.message.pk not in moved)
    news.leaf, news.path = ids[-1], trail(ids, [message.pk for message in batch])
    news.replaced = dress(news.replaced, batch, news.leaf)
    news.appended = dress(news.appended, batch, news.leaf)


def _filling(conversation: Conversation, ids: Sequence[UUID]) -> Filling | None:
    chosen = preferred(conversation.owner, conversation)
    has_earlier = len(ids) == TRAIL_MESSAGES + NEW_MESSAGES
    return filling(conversation.loaded(ids), chosen, has_earlier=has_earlier)


def _looked_at(
    request: HttpRequest, known: Known, messages: Sequence[Message]
) -> Sequence[Shown]:
    if not messages:
        return ()
    return look_at(request, entry_of(known.model).name, messages)[0]


def _moved(known: Known, conversation: Conversation, ids: Sequence[UUID]) -> set[UUID]:
    """Replies that the page shows as held and that are no longer what they were,
    each with its prompt, which may have been edited meanwhile."""
    shown = {*known.held, *known.paused}
    if not shown:
        return set()
    paused = paused_of(shown)
    moved: set[UUID] = set()
    for prompt, message in pairwise(conversation.loaded(ids)):
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
    after = replace(
        known,
        leaf=news.leaf,
        changes=view.changes,
        seen=tuple(news.seen),
        held=tuple(news.held),
        paused=tuple(news.paused),
        path=news.path,
        is_nobody=not view.owner,
    )
    after = told(view, after)
    is_pending = bool(after.first_pending)
    everything = replace(view, sights=(*view.sights, *news.sights))
    return {
        **worker_context(view, entry, is_pending=is_pending),
        **poller_context(everything, after),
        **message_context(),
        "news": news,
        "is_changed": is_changed and bool(view.owner),
        "conversations": conversations(owner_of(view)) if is_changed else (),
        "have_workers_changed": after.workers != known.workers,
        "filling": news.filling,
        "stop": after.first_pending,
        "has_stop_changed": after.first_pending != known.first_pending,
    }
