"""Learning what a page lacks of its conversation: what only the database can tell."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.http import HttpRequest

from chat.models import Conversation, Message, Reply
from chat.page.delta import PageDelta
from chat.page.message_window import batch_of, latest
from chat.page.messages import (
    MessageList,
    ShownMessage,
    held_fingerprint,
    paused_replies,
    with_status,
    with_versions,
)
from chat.page.state import PageState, messages_per_page, path_fingerprint
from chat.services.context_usage import ContextUsage, context_usage
from chat.services.effective_settings import (
    catalog_entry,
    effective_settings,
    model_to_watch,
)
from chatsite import wire

#: More messages than this are not appended to a page: it shows its newest anew.
NEW_MESSAGES = 60
FILLING_MESSAGES = 20


def load_changes(
    request: HttpRequest, known: PageState, conversation: Conversation, news: PageDelta
) -> None:
    """What differs among the messages of a page, and the ones that it lacks."""
    if known.leaf is None:
        _learn_shown(request, known, conversation, news)
    else:
        _learn_path(request, known, conversation, news)
    news.ahead = held_fingerprint([*news.held, *news.paused])


def _learn_shown(
    request: HttpRequest, known: PageState, conversation: Conversation, news: PageDelta
) -> None:
    """Of a page that does not reach the end only what it shows."""
    _replace_moved(request, known, conversation, news)
    news.replaced = with_versions(news.replaced, (), None)


def _learn_path(
    request: HttpRequest, known: PageState, conversation: Conversation, news: PageDelta
) -> None:
    """Also the messages behind the last one; or all of them where the page shows
    another path than the one that is shown now."""
    ids = conversation.path_ids(limit=messages_per_page() + NEW_MESSAGES)
    news.filling = _filling(conversation, ids)
    news.model = model_to_watch(conversation).name
    after = ids.index(known.leaf) + 1 if known.leaf in ids else 0
    batch = _batch_at(conversation, ids[after - 1 : after])
    beside = [message.pk for message in batch]
    is_longer = after < len(ids)
    is_beside = is_longer and (batch or _batch_at(conversation, ids[-1:]))
    if known.path != path_fingerprint(ids[:after], beside) or is_beside:
        thread, _ = MessageList.of(
            request, catalog_entry(known.model).name, latest(conversation)
        )
        news.show_anew(known, thread)
        return
    _replace_moved(request, known, conversation, news)
    for item in _looked_at(request, known, conversation.loaded(ids[after:])):
        news.add_shown(item, is_new=True)
    news.leaf, news.path = ids[-1], path_fingerprint(ids, beside)
    news.replaced = with_versions(news.replaced, batch, news.leaf)
    news.appended = with_versions(news.appended, batch, news.leaf)


def _replace_moved(
    request: HttpRequest, known: PageState, conversation: Conversation, news: PageDelta
) -> None:
    moved = _moved(known, conversation)
    news.held = [pk for pk in news.held if pk not in moved]
    news.paused = [pk for pk in news.paused if pk not in moved]
    messages = sorted(conversation.loaded([*moved]), key=lambda said: said.created_at)
    for item in _looked_at(request, known, messages):
        news.add_shown(item, is_new=False)


def _batch_at(conversation: Conversation, leaf: Sequence[UUID]) -> list[Message]:
    return [mate for message in conversation.loaded(leaf) for mate in batch_of(message)]


def _filling(conversation: Conversation, ids: Sequence[UUID]) -> ContextUsage | None:
    """Of the last messages alone: more of them tell no more."""
    chosen = effective_settings(conversation.owner, conversation)
    end = conversation.loaded(ids[-FILLING_MESSAGES:])
    return context_usage(end, chosen, has_earlier=len(ids) > FILLING_MESSAGES)


def _looked_at(
    request: HttpRequest, known: PageState, messages: Sequence[Message]
) -> Sequence[ShownMessage]:
    if not messages:
        return ()
    return with_status(request, catalog_entry(known.model).name, messages)[0]


def _moved(known: PageState, conversation: Conversation) -> set[UUID]:
    """Replies that the page shows as held and that are no longer what they were, each
    with its prompt."""
    shown = {*known.held, *known.paused}
    if not shown:
        return set()
    paused, is_changed = paused_replies(shown), held_fingerprint(shown) != known.ahead
    rows = Reply.objects.filter(pk__in=shown, message__conversation=conversation)
    moved: set[UUID] = set()
    for pk, prompt, state in rows.values_list("pk", "message__parent", "state"):
        was_paused, is_paused = pk in known.paused, pk in paused
        if is_changed or state != wire.State.HELD or was_paused != is_paused:
            moved.add(pk)
            if prompt is not None:
                moved.add(prompt)
    return moved
