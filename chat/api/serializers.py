"""How the API shows a reply, and what a search found."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from chat.services.jobs.status import ReplyStatus
from chat.services.limits.remaining import RemainingLimit
from chat.services.search.results import Hit, Hits
from chat.wording.replies import reason
from chatsite import wire


def reply_shape(request: HttpRequest, status: ReplyStatus) -> dict[str, Any]:
    """One reply: where it is, what it says so far, and when what happened.

    ``place`` is 1 for the next in line, null when the reply waits in no line.
    """
    url = reverse("api:reply", args=[status.pk])
    is_in_line = status.state is wire.State.QUEUED and not status.is_unpublished
    return {
        "id": str(status.pk),
        "url": request.build_absolute_uri(url),
        "stop_url": request.build_absolute_uri(reverse("api:stop", args=[status.pk])),
        "state": status.state,
        "place": status.place + 1 if is_in_line else None,
        "text": status.text,
        "tokens": status.tokens,
        "is_length_limited": bool(status.row and status.row.is_length_limited),
        "is_paused": _is_paused(status),
        "is_stopping": status.is_stopping,
        "error": _error(status),
        "times": {
            "queued": _iso(status.queued_at),
            "started": _iso(status.started_at),
            "first_text": _iso(status.first_text_at),
            "finished": _iso(status.finished_at),
        },
    }


def hits_shape(request: HttpRequest, text: str, hits: Hits) -> dict[str, Any]:
    """Hits, and where more of them are."""
    more = None
    if hits.more is not None:
        query = urlencode({"q": text, "before": hits.more})
        more = request.build_absolute_uri(f"{reverse('api:search')}?{query}")
    return {"hits": [_hit(hit) for hit in hits.hits], "more": more}


def allowance_shape(left: RemainingLimit) -> dict[str, Any]:
    """``wait_seconds`` until one more may be had, ``full_seconds`` until nothing is
    missing; both null for waiting replies, of which each end brings one back."""
    return {
        "kind": left.kind,
        "whose": left.scope,
        "limit": left.limit,
        "left": left.remaining,
        "wait_seconds": left.wait_seconds,
        "full_seconds": left.full_seconds,
    }


def _hit(hit: Hit) -> dict[str, Any]:
    """``message`` and ``role`` are null where the title was found."""
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
    """Held, and the reply before it went wrong: somebody has to decide."""
    return status.state is wire.State.HELD and bool(status.row and status.row.is_paused)


def _error(status: ReplyStatus) -> dict[str, str] | None:
    if status.row is None or not status.row.error:
        return None
    return {"code": status.row.error, "message": reason(status.row)}


def _iso(stamp: float | None) -> str | None:
    return None if stamp is None else datetime.fromtimestamp(stamp, UTC).isoformat()
