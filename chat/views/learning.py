"""Learning what a page lacks of its conversation: what only the database can tell."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from uuid import UUID

from django.http import HttpRequest

from chat.models import Conversation, Message
from chat.services.filling import Filling, filling
from chat.services.preferring import entry_of, preferred
from chat.views.known import TRAIL_MESSAGES, Known, trail
from chat.views.news import News
from chat.views.thread import Shown, Thread, dress, look_at, paused_of
from chat.views.window import batch_of, latest
from chatsite import wire

#: More messages than this are not appended to a page: it shows its newest anew.
NEW_MESSAGES = 60


def learn_path(
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
        thread, _ = Thread.of(request, entry_of(known.model).name, latest(conversation))
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
