"""The messages that a page shows, with their versions and the status of replies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from uuid import UUID

from django.http import HttpRequest

from chat.http.request import session_key, visitor
from chat.models import Message, Reply, tree
from chat.page.growing_text import TextGrowth, growth_of
from chat.page.message_window import MessageWindow
from chat.page.state import PageState, path_fingerprint
from chat.services.jobs.reply_status import PollSnapshot, ReplyStatus
from chat.services.jobs.status import poll_snapshot
from chatsite import wire


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """One message of a page."""

    message: Message
    #: Set for a reply that is held, queued or running; None for all other messages.
    status: ReplyStatus | None = None
    #: The text so far of a reply that is queued or running.
    growth: TextGrowth | None = None
    #: None where the page shows no way to other versions.
    versions: Versions | None = None
    #: One of several replies that were requested together and are shown side by side.
    is_in_batch: bool = False
    #: Of those, the one that the conversation continues from.
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class MessageList:
    """All messages that a page shows."""

    window: MessageWindow
    #: One below the other, oldest first.
    messages: Sequence[ShownMessage]
    #: Replies side by side after them, if the last reply was requested with others.
    batch: Sequence[ShownMessage]

    @classmethod
    def load(
        cls, request: HttpRequest, model: str, window: MessageWindow
    ) -> tuple[MessageList, PollSnapshot]:
        """The messages of a window with their current status, and the snapshot.

        Raises ``NotOwner``.
        """
        alone = window.messages[:-1] if window.batch else window.messages
        shown, snapshot = with_status(request, model, [*alone, *window.batch])
        versioned = with_versions(shown, window.batch, window.leaf)
        return cls(window, versioned[: len(alone)], versioned[len(alone) :]), snapshot

    def applied_to(self, page_state: PageState, change_counter: str) -> PageState:
        """The state of a page once it shows this list."""
        items = (*self.messages, *self.batch)
        growing = [item.growth for item in items if item.growth]
        held = [
            item.status
            for item in items
            if item.status and item.status.state is wire.State.HELD
        ]
        return replace(
            page_state,
            leaf=self.window.leaf,
            change_counter=change_counter,
            cursors=tuple(growth.cursor for growth in growing),
            texts=tuple(growth.shown for growth in growing),
            held=tuple(status.pk for status in held if not status.is_paused),
            paused=tuple(status.pk for status in held if status.is_paused),
            path_fingerprint=path_fingerprint(
                self.window.ids, [item.message.pk for item in self.batch]
            ),
            held_fingerprint=held_fingerprint(status.pk for status in held),
        )


def with_status(
    request: HttpRequest, model: str, messages: Iterable[Message]
) -> tuple[list[ShownMessage], PollSnapshot]:
    """Messages with the current status and text of their replies, and the snapshot.

    Raises ``NotOwner``.
    """
    messages = list(messages)
    queued = [m for m in messages if _state(m) is wire.State.QUEUED]
    snapshot = poll_snapshot(
        session_key(request),
        lambda: visitor(request),
        model,
        [(str(message.pk), 0, 0) for message in queued],
    )
    statuses = {status.pk: status for status in snapshot.statuses}
    statuses |= _held([m.reply for m in messages if _state(m) is wire.State.HELD])
    return [
        with_text(message, statuses.get(message.pk)) for message in messages
    ], snapshot


def with_versions(
    shown: Sequence[ShownMessage], batch: Sequence[Message], leaf: UUID | None
) -> list[ShownMessage]:
    """The same messages with their versions and their place in a batch.

    ``batch`` holds the replies that stand side by side, ``leaf`` the chosen one.
    """
    versions = versions_of(item.message for item in shown)
    beside = {message.pk for message in batch} if len(batch) > 1 else set()
    return [
        replace(
            item,
            versions=versions.get(item.message.pk),
            is_in_batch=item.message.pk in beside,
            is_chosen=item.message.pk == leaf,
        )
        for item in shown
    ]


def with_one_version(shown: ShownMessage) -> ShownMessage:
    """A message that was just sent, or the reply to it, of which there is no other."""
    return replace(shown, versions=Versions((shown.message.pk,), 0))


def with_text(message: Message, status: ReplyStatus | None) -> ShownMessage:
    """A message with the status of its reply, and the text so far of a pending one."""
    if status is None:
        return ShownMessage(message)
    if status.state.is_terminal and status.row is not None:  # it ended a moment ago
        return ShownMessage(status.row.message)
    if status.state is wire.State.HELD:
        return ShownMessage(message, status)
    return ShownMessage(message, status, growth_of(status, beginning=message.text))


def _held(replies: list[Reply]) -> dict[UUID, ReplyStatus]:
    """The status of held replies, which only the database knows."""
    paused = paused_replies([reply.pk for reply in replies])
    return {
        reply.pk: ReplyStatus(
            reply.pk,
            wire.State.HELD,
            row=reply,
            is_paused=reply.pk in paused,
            is_after_failure=paused.get(reply.pk) == wire.State.FAILED,
        )
        for reply in replies
    }


def paused_replies(pks: Iterable[UUID]) -> dict[UUID, str]:
    """Those of the held replies that wait for their owner to decide.

    With the state in which the reply before each of them ended.
    """
    pks = list(pks)
    if not pks:
        return {}
    paused = Reply.objects.paused().filter(pk__in=pks)
    return dict(paused.values_list("pk", "message__parent__parent__reply__state"))


def held_fingerprint(pks: Iterable[UUID]) -> str:
    """Fingerprint of the held messages of these replies: another tab may edit them."""
    pks = list(pks)
    if not pks:
        return ""
    rows = Reply.objects.filter(pk__in=pks).order_by("pk")
    texts = rows.values_list("message__parent__text", flat=True)
    return sha256("\0".join(texts).encode()).hexdigest()[:12]


def _state(message: Message) -> wire.State | None:
    return None if message.is_from_user else wire.State(message.reply.state)


@dataclass(frozen=True, slots=True)
class Versions:
    """All versions of a message, oldest first, and the index of the one shown."""

    ids: tuple[UUID, ...]
    index: int

    @property
    def number(self) -> int:
        """Position of the version shown, counted from 1."""
        return self.index + 1

    @property
    def count(self) -> int:
        """Number of versions."""
        return len(self.ids)

    @property
    def previous(self) -> UUID | None:
        """Id of the version before; None for the first."""
        return self.ids[self.index - 1] if self.index else None

    @property
    def next(self) -> UUID | None:
        """Id of the version after; None for the last."""
        return self.ids[self.number] if self.number < self.count else None


def versions_of(messages: Iterable[Message]) -> dict[UUID, Versions]:
    """The versions of each message of one conversation, in one query."""
    messages = list(messages)
    if not messages:
        return {}
    found = tree.children_of(
        messages[0].conversation_id, {message.parent_id for message in messages}
    )
    return {
        message.pk: _versions(message, found[message.parent_id]) for message in messages
    }


def _versions(message: Message, ids: list[UUID]) -> Versions:
    return Versions(tuple(ids), ids.index(message.pk))
