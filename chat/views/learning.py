"""Learning what a page lacks of its conversation: what only the database can tell."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from uuid import UUID

from django.http import HttpRequest

from chat.models import Conversation, Message
from chat.services.filling import Filling, filling
from chat.services.preferring import entry_of, preferred, watched
from chat.views.known import Known, shown_at_once, trail
from chat.views.news import News
from chat.views.thread import Shown, Thread, dress, look_at, paused_of
from chat.views.window import batch_of, latest
from chatsite import wire

#: More messages than this are not appended to a page: it shows its newest anew.
NEW_MESSAGES = 60
FILLING_MESSAGES = 20


def learn_path(
    request: HttpRequest, known: Known, conversation: Conversation, news: News
) -> None:
    """The messages that the page lacks, and held ones whose turn came; or all of them
    where the page shows another path than the one that is shown now."""
    ids = conversation.path_ids(limit=shown_at_once() + NEW_MESSAGES)
    news.filling = _filling(conversation, ids)
    news.model = watched(conversation).name
    after = ids.index(known.leaf) + 1 if known.leaf in ids else 0
    batch = _batch_at(conversation, ids[after - 1 : after])
    end = trail(ids[:after], [message.pk for message in batch])
    is_longer = after < len(ids)
    is_beside = is_longer and (batch or _batch_at(conversation, ids[-1:]))
    if known.path != end or is_beside:
        thread, _ = Thread.of(request, entry_of(known.model).name, latest(conversation))
        news.show_anew(known, thread)
        return
    beside = [message.pk for message in batch]
    moved = _moved(known, conversation, ids[:after], batch)
    news.held = [pk for pk in news.held if pk not in moved]
    news.paused = [pk for pk in news.paused if pk not in moved]
    order = dict.fromkeys([*ids[:after], *beside])
    lacking = [pk for pk in order if pk in moved] + ids[after:]
    for item in _looked_at(request, known, conversation.loaded(lacking)):
        news.add_shown(item, is_new=item.message.pk not in moved)
    news.leaf, news.path = ids[-1], trail(ids, beside)
    news.replaced = dress(news.replaced, batch, news.leaf)
    news.appended = dress(news.appended, batch, news.leaf)


def _batch_at(conversation: Conversation, leaf: Sequence[UUID]) -> list[Message]:
    return [mate for message in conversation.loaded(leaf) for mate in batch_of(message)]


def _filling(conversation: Conversation, ids: Sequence[UUID]) -> Filling | None:
    """Of the last messages alone: more of them tell no more."""
    chosen = preferred(conversation.owner, conversation)
    end = conversation.loaded(ids[-FILLING_MESSAGES:])
    return filling(end, chosen, has_earlier=len(ids) > FILLING_MESSAGES)


def _looked_at(
    request: HttpRequest, known: Known, messages: Sequence[Message]
) -> Sequence[Shown]:
    if not messages:
        return ()
    return look_at(request, entry_of(known.model).name, messages)[0]


def _moved(
    known: Known,
    conversation: Conversation,
    ids: Sequence[UUID],
    batch: Sequence[Message],
) -> set[UUID]:
    """Replies that the page shows as held and that are no longer what they were,
    each with its prompt, which may have been edited meanwhile."""
    shown = {*known.held, *known.paused}
    if not shown:
        return set()
    paused = paused_of(shown)
    moved: set[UUID] = set()
    path = conversation.loaded(ids)
    for prompt, message in (*pairwise(path), *((path[-2], mate) for mate in batch)):
        if message.pk not in shown:
            continue
        is_held = message.reply.state == wire.State.HELD
        was_paused, is_paused = message.pk in known.paused, message.pk in paused
        if not is_held or was_paused != is_paused:
            moved |= {prompt.pk, message.pk}
    return moved
