"""The part of a page's delta that only the database knows: new and changed messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

#: A page that lacks more messages than this gets the whole list instead.
APPENDED_MESSAGES_MAX = 60
#: The context usage is computed from this many of the newest messages.
CONTEXT_USAGE_MESSAGES = 20


def load_changes(
    request: HttpRequest,
    page_state: PageState,
    conversation: Conversation,
    delta: PageDelta,
) -> None:
    """Add to ``delta`` the messages that changed and those that the page lacks."""
    if page_state.leaf is None:
        _load_window_changes(request, page_state, conversation, delta)
    else:
        _load_path_changes(request, page_state, conversation, delta)
    delta.held_fingerprint = held_fingerprint([*delta.held, *delta.paused])


def _load_window_changes(
    request: HttpRequest,
    page_state: PageState,
    conversation: Conversation,
    delta: PageDelta,
) -> None:
    """For a page that does not reach the end: only changes of its messages."""
    _replace_changed_held(request, page_state, conversation, delta)
    delta.replaced = with_versions(delta.replaced, (), None)


def _load_path_changes(
    request: HttpRequest,
    page_state: PageState,
    conversation: Conversation,
    delta: PageDelta,
) -> None:
    """For a page that reaches the end: also messages after its last one.

    A page that shows another path than the active one gets the whole list.
    """
    ids = conversation.path_ids(limit=messages_per_page() + APPENDED_MESSAGES_MAX)
    known = {m.pk: m for m in conversation.loaded(ids[-CONTEXT_USAGE_MESSAGES:])}
    delta.context_usage = _context_usage(conversation, ids, list(known.values()))
    delta.model = model_to_watch(conversation).name
    after = ids.index(page_state.leaf) + 1 if page_state.leaf in ids else 0
    batch = _batch_at(conversation, ids[after - 1 : after], known)
    batch_ids = [message.pk for message in batch]
    is_same_path = page_state.path_fingerprint == path_fingerprint(
        ids[:after], batch_ids
    )
    is_longer = after < len(ids)
    if not is_same_path or (
        is_longer and (batch or _batch_at(conversation, ids[-1:], known))
    ):
        message_list, _ = MessageList.load(
            request, catalog_entry(page_state.model).name, latest(conversation)
        )
        delta.replace_messages(page_state, message_list)
        return
    _replace_changed_held(request, page_state, conversation, delta)
    appended = _loaded(conversation, ids[after:], known)
    for item in _with_status(request, page_state, appended):
        delta.add_message(item, is_new=True)
    delta.leaf, delta.path_fingerprint = ids[-1], path_fingerprint(ids, batch_ids)
    delta.replaced = with_versions(delta.replaced, batch, delta.leaf)
    delta.appended = with_versions(delta.appended, batch, delta.leaf)


def _replace_changed_held(
    request: HttpRequest,
    page_state: PageState,
    conversation: Conversation,
    delta: PageDelta,
) -> None:
    changed = _changed_held_ids(page_state, conversation)
    if not changed:
        return
    delta.held = [pk for pk in delta.held if pk not in changed]
    delta.paused = [pk for pk in delta.paused if pk not in changed]
    messages = sorted(
        conversation.loaded([*changed]), key=lambda message: message.created_at
    )
    for item in _with_status(request, page_state, messages):
        delta.add_message(item, is_new=False)


def _loaded(
    conversation: Conversation, ids: Sequence[UUID], known: Mapping[UUID, Message]
) -> list[Message]:
    """The messages in the order of ``ids``; reads those that are not known."""
    if any(pk not in known for pk in ids):
        return conversation.loaded(ids)
    return [known[pk] for pk in ids]


def _batch_at(
    conversation: Conversation, leaf: Sequence[UUID], known: Mapping[UUID, Message]
) -> list[Message]:
    leaves = _loaded(conversation, leaf, known)
    return [reply for message in leaves for reply in batch_of(message)]


def _context_usage(
    conversation: Conversation, ids: Sequence[UUID], end: Sequence[Message]
) -> ContextUsage | None:
    """The usage of a path with these ids, whose last messages are ``end``."""
    chosen = effective_settings(conversation.owner, conversation)
    return context_usage(end, chosen, has_earlier=len(ids) > CONTEXT_USAGE_MESSAGES)


def _with_status(
    request: HttpRequest, page_state: PageState, messages: Sequence[Message]
) -> Sequence[ShownMessage]:
    if not messages:
        return ()
    return with_status(request, catalog_entry(page_state.model).name, messages)[0]


def _changed_held_ids(page_state: PageState, conversation: Conversation) -> set[UUID]:
    """Ids of the replies that the page shows as held and that changed since.

    The message that each of them answers is among the ids.
    """
    shown = {*page_state.held, *page_state.paused}
    if not shown:
        return set()
    paused, is_changed = (
        paused_replies(shown),
        held_fingerprint(shown) != page_state.held_fingerprint,
    )
    rows = Reply.objects.filter(pk__in=shown, message__conversation=conversation)
    changed: set[UUID] = set()
    for pk, message_id, state in rows.values_list("pk", "message__parent", "state"):
        was_paused, is_paused = pk in page_state.paused, pk in paused
        if is_changed or state != wire.State.HELD or was_paused != is_paused:
            changed.add(pk)
            if message_id is not None:
                changed.add(message_id)
    return changed
