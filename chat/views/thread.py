"""The messages of a page, each with what is known of the reply to come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.http import HttpRequest

from chat.models import Message, Reply
from chat.services.watching import Sight, View, watch
from chat.views.browser import session_key, visitor
from chatsite import wire


@dataclass(frozen=True, slots=True)
class Shown:
    """One message; ``sight`` is set for replies that are still to come."""

    message: Message
    sight: Sight | None = None


def look_at(
    request: HttpRequest, model: str, messages: Iterable[Message]
) -> tuple[list[Shown], View]:
    """Messages as they stand now, with all the text there is, and the whole view.

    Raises ``NotYours``.
    """
    messages = list(messages)
    queued = [m for m in messages if _state(m) is wire.State.QUEUED]
    view = watch(
        session_key(request),
        lambda: visitor(request),
        model,
        [(str(message.pk), 0, 0) for message in queued],
    )
    sights = {sight.pk: sight for sight in view.sights}
    sights |= _held([m.reply for m in messages if _state(m) is wire.State.HELD])
    return [_shown(message, sights.get(message.pk)) for message in messages], view


def _shown(message: Message, sight: Sight | None) -> Shown:
    if sight is None:
        return Shown(message)
    if sight.state.is_terminal and sight.row is not None:  # it ended a moment ago
        return Shown(sight.row.message)
    return Shown(message, sight)


def _held(replies: list[Reply]) -> dict[UUID, Sight]:
    """Held replies: only the database knows of them."""
    paused = paused_of([reply.pk for reply in replies])
    return {
        reply.pk: Sight(
            reply.pk, wire.State.HELD, row=reply, is_paused=reply.pk in paused
        )
        for reply in replies
    }


def paused_of(pks: Iterable[UUID]) -> set[UUID]:
    """Which of these replies wait for a person to decide."""
    pks = list(pks)
    if not pks:
        return set()
    return set(Reply.objects.paused().filter(pk__in=pks).values_list("pk", flat=True))


def _state(message: Message) -> wire.State | None:
    return None if message.is_prompt else wire.State(message.reply.state)
