"""Recent failures by reason, and trying them again. No text is read."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, F, Max
from django.utils import timezone

from chat.models import Reply
from chat.models.reply_queryset import ReplyQuerySet
from chat.services import reply_versions
from chat.services.errors import MessageRefused
from chatsite import wire

log = logging.getLogger(__name__)

RECENT = timedelta(hours=24)
#: Replies that are tried again at once; the button may be pressed again.
RETRIED_MAX = 100


@dataclass(frozen=True, slots=True)
class FailureKind:
    """Failures of one reason on one model."""

    error: str
    model: str
    count: int
    latest: datetime
    #: How many can be tried again.
    retriable: int


def recent_failures() -> list[FailureKind]:
    """Failures of the last 24 hours by reason and model, the most frequent first."""
    counted = (
        _recent()
        .values("error", "model")
        .annotate(count=Count("pk"), latest=Max("finished_at"))
        .order_by("-count", "error", "model")
    )
    retriable = {
        (row["error"], row["model"]): row["count"]
        for row in _retriable().values("error", "model").annotate(count=Count("pk"))
    }
    return [
        FailureKind(**row, retriable=retriable.get((row["error"], row["model"]), 0))
        for row in counted.values("error", "model", "count", "latest")
    ]


def retry_failures(error: str, model: str) -> tuple[int, int]:
    """Request failed replies again, for their owners. Returns how many, and refused.

    Each counts against the limits of its owner, as if they had asked themselves. So one
    whose owner has reached a limit is refused.
    """
    rows = _retriable().filter(error=error, model=model).with_path()
    retried = refused = 0
    for reply in rows.order_by("finished_at")[:RETRIED_MAX]:
        try:
            reply_versions.retry(reply)
        except MessageRefused:
            refused += 1
        else:
            retried += 1
    log.info("an operator retries %d replies; %d were refused", retried, refused)
    return retried, refused


def _recent() -> ReplyQuerySet[Reply]:
    since = timezone.now() - RECENT
    failed = Reply.objects.generated().filter(state=wire.State.FAILED)
    return failed.filter(finished_at__gte=since)


def _retriable() -> ReplyQuerySet[Reply]:
    """Failures that are the end of what their owners see, and of no program."""
    leaf = F("message__conversation__active_leaf_id")
    shown = (
        _recent().not_deleted().of_no_batch().filter(message_id=leaf, call__isnull=True)
    )
    return shown.filter(message__conversation__is_hidden=False)
