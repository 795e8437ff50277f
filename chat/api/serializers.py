"""What the API returns, as typed dictionaries that become JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypedDict
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from chat.services.jobs.status import ReplyStatus
from chat.services.limits.remaining import RemainingLimit
from chat.services.search.results import Hit, Hits
from chat.wording.replies import reason
from chatsite import wire


class ReplyTimes(TypedDict):
    """When a reply reached each state, in ISO 8601; null for a state not reached."""

    queued: str | None
    started: str | None
    first_text: str | None
    finished: str | None


class ReplyError(TypedDict):
    """Why a reply failed: a code for programs and a sentence for people."""

    code: str
    message: str


class ReplyData(TypedDict):
    """One reply: its state, its text so far, and its times.

    ``place`` is 1 for the next in the queue, null if the reply is not in the queue.
    """

    id: str
    url: str
    stop_url: str
    state: wire.State
    place: int | None
    text: str
    tokens: int
    is_length_limited: bool
    is_paused: bool
    is_stopping: bool
    error: ReplyError | None
    times: ReplyTimes


class SentMessageData(ReplyData):
    """The reply to a new message, with the id of its conversation."""

    conversation: str


class RemovedMessageData(TypedDict):
    """A held message that was removed, by the id of the reply that it waited for."""

    id: str
    removed: bool


class RenamedConversationData(TypedDict):
    """A conversation with its new title."""

    id: str
    title: str


class DeletedConversationData(TypedDict):
    """A conversation, and whether it is deleted now."""

    id: str
    deleted: bool


class SnippetPartData(TypedDict):
    """A part of the text around a match."""

    text: str
    is_match: bool


class HitData(TypedDict):
    """A message, or a title, for which ``message`` and ``role`` are null."""

    conversation: str
    title: str
    message: str | None
    role: wire.Role | None
    snippet: list[SnippetPartData]
    said: str


class SearchData(TypedDict):
    """A page of hits, and the URL of the next page, null on the last."""

    hits: list[HitData]
    more: str | None


class LimitData(TypedDict):
    """One limit and what remains of it.

    ``wait_seconds`` is the time until one more is allowed, ``full_seconds`` the time
    until all are. Both are null for waiting replies, since only their end makes room.
    """

    kind: str
    whose: str
    limit: int
    left: int
    wait_seconds: int | None
    full_seconds: int | None


class LimitsData(TypedDict):
    """All limits of the caller."""

    allowances: list[LimitData]


def serialize_reply(request: HttpRequest, status: ReplyStatus) -> ReplyData:
    """Return a reply in its current state."""
    url = reverse("api:reply", args=[status.pk])
    is_in_queue = status.state is wire.State.QUEUED and not status.is_unpublished
    return {
        "id": str(status.pk),
        "url": request.build_absolute_uri(url),
        "stop_url": request.build_absolute_uri(reverse("api:stop", args=[status.pk])),
        "state": status.state,
        "place": status.place + 1 if is_in_queue else None,
        "text": status.text,
        "tokens": status.tokens,
        "is_length_limited": bool(status.row and status.row.is_length_limited),
        "is_paused": _is_paused(status),
        "is_stopping": status.is_stopping,
        "error": _serialize_error(status),
        "times": {
            "queued": _iso_time(status.queued_at),
            "started": _iso_time(status.started_at),
            "first_text": _iso_time(status.first_text_at),
            "finished": _iso_time(status.finished_at),
        },
    }


def serialize_hits(request: HttpRequest, text: str, hits: Hits) -> SearchData:
    """Return a page of hits for the query ``text``."""
    more = None
    if hits.more is not None:
        query = urlencode({"q": text, "before": hits.more})
        more = request.build_absolute_uri(f"{reverse('api:search')}?{query}")
    return {"hits": [_serialize_hit(hit) for hit in hits.hits], "more": more}


def serialize_limit(left: RemainingLimit) -> LimitData:
    """Return one limit and what remains of it."""
    return {
        "kind": left.kind,
        "whose": left.scope,
        "limit": left.limit,
        "left": left.remaining,
        "wait_seconds": left.wait_seconds,
        "full_seconds": left.full_seconds,
    }


def _serialize_hit(hit: Hit) -> HitData:
    role = wire.Role.USER if hit.is_from_user else wire.Role.ASSISTANT
    return {
        "conversation": str(hit.conversation),
        "title": hit.title,
        "message": None if hit.message is None else str(hit.message),
        "role": None if hit.message is None else role,
        "snippet": [
            {"text": piece.text, "is_match": piece.is_match} for piece in hit.snippet
        ],
        "said": hit.said_at.isoformat(),
    }


def _is_paused(status: ReplyStatus) -> bool:
    """Whether it is held and the reply before it went wrong: the user decides."""
    return status.state is wire.State.HELD and bool(status.row and status.row.is_paused)


def _serialize_error(status: ReplyStatus) -> ReplyError | None:
    if status.row is None or not status.row.error:
        return None
    return {"code": status.row.error, "message": reason(status.row)}


def _iso_time(stamp: float | None) -> str | None:
    return None if stamp is None else datetime.fromtimestamp(stamp, UTC).isoformat()
