"""Turns what services return into what the API returns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse

from chat.api.schemas import (
    ConversationData,
    FeedbackData,
    HitData,
    LimitData,
    MessageData,
    ReplyData,
    ReplyError,
    ReplyTimes,
    SearchPage,
    SentMessageData,
    SnippetPartData,
    WaitData,
)
from chat.models import Conversation, Message
from chat.models.reply_choices import Origin, Rating
from chat.services.conversation_badges import ListedConversation
from chat.services.jobs.reply_status import ReplyStatus
from chat.services.limits.remaining import RemainingLimit
from chat.services.search.results import Hit, Hits
from chat.wording.replies import reason
from chatsite import wire


def absolute_url(request: HttpRequest, name: str, *pks: UUID) -> str:
    """The URL of a call, with scheme and host."""
    return request.build_absolute_uri(reverse(f"api:{name}", args=[*map(str, pks)]))


def next_url(request: HttpRequest, **query: object) -> str:
    """The URL of the call of this request with another query."""
    return request.build_absolute_uri(f"{request.path}?{urlencode(query)}")


def serialize_reply(request: HttpRequest, status: ReplyStatus) -> ReplyData:
    """Return a reply in its current state."""
    url = absolute_url(request, "reply", status.pk)
    is_in_queue = status.state is wire.State.QUEUED and not status.is_unpublished
    return ReplyData(
        id=status.pk,
        url=url,
        stop_url=f"{url}/stop",
        state=status.state,
        place=status.place + 1 if is_in_queue and not status.is_helper else None,
        expected_wait=_serialize_wait(status),
        text=status.text,
        tokens=status.tokens,
        is_length_limited=bool(status.row and status.row.is_length_limited),
        when_idle=status.is_helper,
        is_paused=_is_paused(status),
        is_stopping=status.is_stopping,
        error=_serialize_error(status),
        times=ReplyTimes(
            queued=_time(status.queued_at),
            started=_time(status.started_at),
            first_text=_time(status.first_text_at),
            finished=_time(status.finished_at),
        ),
        feedback=_serialize_feedback(status),
        origin=Origin(status.row.origin) if status.row else Origin.GENERATED,
    )


def serialize_sent(
    request: HttpRequest, status: ReplyStatus, conversation: UUID
) -> SentMessageData:
    """Return the reply to a message that was sent into a conversation."""
    found = serialize_reply(request, status)
    return SentMessageData.model_construct(**dict(found), conversation=conversation)


def serialize_message(
    request: HttpRequest,
    message: Message,
    versions: Sequence[UUID],
    status: ReplyStatus | None,
) -> MessageData:
    """Return a message; ``status`` is that of a reply."""
    return MessageData(
        id=message.pk,
        url=absolute_url(request, "message", message.pk),
        conversation=message.conversation_id,
        parent=message.parent_id,
        role=wire.Role(message.role),
        text=message.text if status is None else status.text,
        created=message.created_at,
        versions=list(versions),
        reply=None if status is None else serialize_reply(request, status),
    )


def serialize_conversation(
    request: HttpRequest, conversation: Conversation | ListedConversation
) -> ConversationData:
    """Return a conversation without its messages."""
    url = absolute_url(request, "conversation", conversation.pk)
    until = None  # what is listed is kept
    if isinstance(conversation, Conversation):
        until = conversation.temporary_until
    return ConversationData(
        id=conversation.pk,
        url=url,
        messages_url=f"{url}/messages",
        title=conversation.title,
        updated=conversation.updated_at,
        has_unread=conversation.has_unread,
        pinned=conversation.is_pinned,
        archived=conversation.is_archived,
        temporary_until=until,
    )


def serialize_hits(
    request: HttpRequest, text: str, hits: Hits, conversation: UUID | None
) -> SearchPage:
    """Return a page of hits for the query ``text``, in one conversation or in all."""
    more = None
    if hits.more is not None:
        inside = {"conversation": conversation} if conversation else {}
        more = next_url(request, q=text, **inside, cursor=hits.more)
    return SearchPage(hits=[_serialize_hit(hit) for hit in hits.hits], next=more)


def serialize_limit(left: RemainingLimit) -> LimitData:
    """Return one limit and what remains of it."""
    return LimitData(
        kind=left.kind,
        whose=left.scope,
        limit=left.limit,
        left=left.remaining,
        wait_seconds=left.wait_seconds,
        full_seconds=left.full_seconds,
    )


def _serialize_hit(hit: Hit) -> HitData:
    role = wire.Role.USER if hit.is_from_user else wire.Role.ASSISTANT
    return HitData(
        conversation=hit.conversation,
        title=hit.title,
        message=hit.message,
        role=None if hit.message is None else role,
        snippet=[
            SnippetPartData(text=piece.text, is_match=piece.is_match)
            for piece in hit.snippet
        ],
        said=hit.said_at,
    )


def _is_paused(status: ReplyStatus) -> bool:
    """Whether it is held and the reply before it went wrong: the user decides."""
    return status.state is wire.State.HELD and bool(status.row and status.row.is_paused)


def _serialize_wait(status: ReplyStatus) -> WaitData | None:
    wait = status.expected_wait
    if wait is None:
        return None
    high = None if status.is_further else round(wait.high, 1)
    return WaitData(low=round(wait.low, 1), high=high)


def _serialize_error(status: ReplyStatus) -> ReplyError | None:
    if status.row is None or not status.row.error:
        return None
    return ReplyError(code=status.row.error, message=reason(status.row))


def _serialize_feedback(status: ReplyStatus) -> FeedbackData | None:
    if status.row is None or not status.row.rating:
        return None
    rating = Rating(status.row.rating)
    return FeedbackData(rating=rating, reason=status.row.rating_reason)


def _time(stamp: float | None) -> datetime | None:
    return None if stamp is None else datetime.fromtimestamp(stamp, UTC)
