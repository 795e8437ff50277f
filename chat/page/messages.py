"""The messages of a page, each with what is known of the reply to come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest

from chat.http.request import session_key, visitor
from chat.models import Message, Reply
from chat.page.message_window import MessageWindow
from chat.page.state import PageState, path_fingerprint
from chat.services.jobs.status import PollSnapshot, ReplyStatus, poll_snapshot
from chatsite import wire
from chatsite.mailbox.results import ReplyCursor


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """One message; ``sight`` is set for replies that are still to come."""

    message: Message
    sight: ReplyStatus | None = None
    versions: Versions | None = None
    #: One of several that were asked for together and are shown side by side.
    is_beside: bool = False
    #: Of those: the one that the conversation goes on from.
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class MessageList:
    """The messages that a page shows."""

    window: MessageWindow
    shown: Sequence[ShownMessage]
    #: Those side by side at the end, if any.
    batch: Sequence[ShownMessage]

    @classmethod
    def of(
        cls, request: HttpRequest, model: str, window: MessageWindow
    ) -> tuple[MessageList, PollSnapshot]:
        """The messages as they stand now, and the whole view. Raises ``NotOwner``."""
        alone = window.messages[:-1] if window.batch else window.messages
        shown, view = with_status(request, model, [*alone, *window.batch])
        dressed = with_versions(shown, window.batch, window.leaf)
        return cls(window, dressed[: len(alone)], dressed[len(alone) :]), view

    def known(self, known: PageState, changes: str) -> PageState:
        """What a page has that shows this."""
        sights = [item.sight for item in (*self.shown, *self.batch) if item.sight]
        held = [sight for sight in sights if sight.state is wire.State.HELD]
        return replace(
            known,
            leaf=self.window.leaf,
            changes=changes,
            seen=tuple(seen_state(sight) for sight in sights if sight not in held),
            held=tuple(sight.pk for sight in held if not sight.is_paused),
            paused=tuple(sight.pk for sight in held if sight.is_paused),
            path=path_fingerprint(
                self.window.ids, [item.message.pk for item in self.batch]
            ),
            ahead=held_fingerprint(sight.pk for sight in held),
        )


def with_status(
    request: HttpRequest, model: str, messages: Iterable[Message]
) -> tuple[list[ShownMessage], PollSnapshot]:
    """Messages as they stand now, with all the text there is, and the whole view.

    Raises ``NotOwner``.
    """
    messages = list(messages)
    queued = [m for m in messages if _state(m) is wire.State.QUEUED]
    view = poll_snapshot(
        session_key(request),
        lambda: visitor(request),
        model,
        [(str(message.pk), 0, 0) for message in queued],
    )
    sights = {sight.pk: sight for sight in view.sights}
    sights |= _held([m.reply for m in messages if _state(m) is wire.State.HELD])
    return [_shown(message, sights.get(message.pk)) for message in messages], view


def with_versions(
    shown: Sequence[ShownMessage], batch: Sequence[Message], leaf: UUID | None
) -> list[ShownMessage]:
    """The same, each with its versions and its place beside others."""
    versions = versions_of(item.message for item in shown)
    beside = {message.pk for message in batch} if len(batch) > 1 else set()
    return [
        replace(
            item,
            versions=versions.get(item.message.pk),
            is_beside=item.message.pk in beside,
            is_chosen=item.message.pk == leaf,
        )
        for item in shown
    ]


def seen_state(sight: ReplyStatus) -> ReplyCursor:
    """What a page has of a reply once it shows all that ``sight`` holds."""
    return (str(sight.pk), sight.run, sight.length)


def _shown(message: Message, sight: ReplyStatus | None) -> ShownMessage:
    if sight is None:
        return ShownMessage(message)
    if sight.state.is_terminal and sight.row is not None:  # it ended a moment ago
        return ShownMessage(sight.row.message)
    return ShownMessage(message, sight)


def _held(replies: list[Reply]) -> dict[UUID, ReplyStatus]:
    """Held replies: only the database knows of them."""
    paused = paused_replies([reply.pk for reply in replies])
    return {
        reply.pk: ReplyStatus(
            reply.pk, wire.State.HELD, row=reply, is_paused=reply.pk in paused
        )
        for reply in replies
    }


def paused_replies(pks: Iterable[UUID]) -> set[UUID]:
    """Which of these replies wait for a person to decide."""
    pks = list(pks)
    if not pks:
        return set()
    return set(Reply.objects.paused().filter(pk__in=pks).values_list("pk", flat=True))


def held_fingerprint(pks: Iterable[UUID]) -> str:
    """Fingerprint of the prompts of held replies, which may be changed elsewhere."""
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
    """All versions of a message, oldest first, and which of them it is."""

    ids: tuple[UUID, ...]
    index: int

    @property
    def number(self) -> int:
        return self.index + 1

    @property
    def count(self) -> int:
        return len(self.ids)

    @property
    def previous(self) -> UUID | None:
        return self.ids[self.index - 1] if self.index else None

    @property
    def next(self) -> UUID | None:
        return self.ids[self.number] if self.number < self.count else None


def versions_of(messages: Iterable[Message]) -> dict[UUID, Versions]:
    """The versions of each message of one conversation, in one query."""
    messages = list(messages)
    if not messages:
        return {}
    parents = {message.parent_id for message in messages}
    at_their_places = Q(parent__in=parents - {None})
    if None in parents:
        at_their_places |= Q(parent=None)
    found: dict[UUID | None, list[UUID]] = {}
    conversation = messages[0].conversation_id
    rows = Message.objects.filter(at_their_places, conversation=conversation)
    for parent, pk in rows.order_by("created_at", "pk").values_list("parent", "pk"):
        found.setdefault(parent, []).append(pk)
    return {
        message.pk: _versions(message, found[message.parent_id]) for message in messages
    }


def _versions(message: Message, ids: list[UUID]) -> Versions:
    return Versions(tuple(ids), ids.index(message.pk))
