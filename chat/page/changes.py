"""Learning what a page lacks of its conversation: what only the database can tell."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.http import HttpRequest

from chat.models import Conversation, Message, Reply
from chat.page.delta import News
from chat.page.message_window import batch_of, latest
from chat.page.messages import Shown, Thread, ahead_of, dress, look_at, paused_of
from chat.page.state import Known, shown_at_once, trail
from chat.services.context_usage import Filling, filling
from chat.services.effective_settings import entry_of, preferred, watched
from chatsite import wire

#: More messages than this are not appended to a page: it shows its newest anew.
NEW_MESSAGES = 60
FILLING_MESSAGES = 20


def learn(
    request: HttpRequest, known: Known, conversation: Conversation, news: News
) -> None:
    """What differs among the messages of a page, and the ones that it lacks."""
    if known.leaf is None:
        _learn_shown(request, known, conversation, news)
    else:
        _learn_path(request, known, conversation, news)
    news.ahead = ahead_of([*news.held, *news.paused])


def _learn_shown(
    request: HttpRequest, known: Known, conversation: Conversation, news: News
) -> None:
    """Of a page that does not reach the end only what it shows."""
    _replace_moved(request, known, conversation, news)
    news.replaced = dress(news.replaced, (), None)


def _learn_path(
    request: HttpRequest, known: Known, conversation: Conversation, news: News
) -> None:
    """Also the messages behind the last one; or all of them where the page shows
    another path than the one that is shown now."""
    ids = conversation.path_ids(limit=shown_at_once() + NEW_MESSAGES)
    news.filling = _filling(conversation, ids)
    news.model = watched(conversation).name
    after = ids.index(known.leaf) + 1 if known.leaf in ids else 0
    batch = _batch_at(conversation, ids[after - 1 : after])
    beside = [message.pk for message in batch]
    is_longer = after < len(ids)
    is_beside = is_longer and (batch or _batch_at(conversation, ids[-1:]))
    if known.path != trail(ids[:after], beside) or is_beside:
        thread, _ = Thread.of(request, entry_of(known.model).name, latest(conversation))
        news.show_anew(known, thread)
        return
    _replace_moved(request, known, conversation, news)
    for item in _looked_at(request, known, conversation.loaded(ids[after:])):
        news.add_shown(item, is_new=True)
    news.leaf, news.path = ids[-1], trail(ids, beside)
    news.replaced = dress(news.replaced, batch, news.leaf)
    news.appended = dress(news.appended, batch, news.leaf)


def _replace_moved(
    request: HttpRequest, known: Known, conversation: Conversation, news: News
) -> None:
    moved = _moved(known, conversation)
    news.held = [pk for pk in news.held if pk not in moved]
    news.paused = [pk for pk in news.paused if pk not in moved]
    messages = sorted(conversation.loaded([*moved]), key=lambda said: said.created_at)
    for item in _looked_at(request, known, messages):
        news.add_shown(item, is_new=False)


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


def _moved(known: Known, conversation: Conversation) -> set[UUID]:
    """Replies that the page shows as held and that are no longer what they were, each
    with its prompt."""
    shown = {*known.held, *known.paused}
    if not shown:
        return set()
    paused, is_changed = paused_of(shown), ahead_of(shown) != known.ahead
    rows = Reply.objects.filter(pk__in=shown, message__conversation=conversation)
    moved: set[UUID] = set()
    for pk, prompt, state in rows.values_list("pk", "message__parent", "state"):
        was_paused, is_paused = pk in known.paused, pk in paused
        if is_changed or state != wire.State.HELD or was_paused != is_paused:
            moved.add(pk)
            if prompt is not None:
                moved.add(prompt)
    return moved
