"""The site at a glance, for whoever runs it: who serves, who waits, what was lost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count
from django.utils import timezone

from chat.models import Reply
from chat.models.reply import ReplyQuerySet
from chatsite import wire
from chatsite.mailbox import MailboxAway, open_mailbox

RECENT = timedelta(hours=24)
LOSSES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class ModelOverview:
    name: str
    waiting: int
    workers: tuple[wire.Announcement, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    #: None while Redis is away.
    models: tuple[ModelOverview, ...] | None
    #: Replies by state: those to come, whatever their age, and those that ended lately.
    unfinished: dict[str, int]
    ended: dict[str, int]
    #: Why those failed.
    errors: dict[str, int]
    #: Replies that were lost with a worker of late, the newest first.
    lost: tuple[Reply, ...]


def overview() -> Overview:
    ended = Reply.objects.filter(finished_at__gte=timezone.now() - RECENT)
    lost = (ended | Reply.objects.unfinished()).filter(losses__gt=0)
    return Overview(
        models=_models(),
        unfinished=_counted(Reply.objects.unfinished(), "state"),
        ended=_counted(ended, "state"),
        errors=_counted(ended.exclude(error=""), "error"),
        lost=tuple(lost.order_by("-queued_at")[:LOSSES_SHOWN]),
    )


def _models() -> tuple[ModelOverview, ...] | None:
    box = open_mailbox()
    try:
        return tuple(
            ModelOverview(name, box.waiting(name), box.workers(name))
            for name in box.models()
        )
    except MailboxAway:
        return None


def _counted(replies: ReplyQuerySet, field: str) -> dict[str, int]:
    counted = replies.values_list(field).annotate(Count("pk")).order_by(field)
    return dict(counted)
