"""The state of the site for its operators: the page and ``make status`` share it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import Count
from django.utils import timezone

from chat.models import Reply
from chat.models.reply_queryset import ReplyQuerySet
from chat.services.wait_estimate import WaitEstimate, estimate_wait, ready_workers
from chatsite import wire
from chatsite.mailbox import MailboxAway, open_mailbox
from chatsite.mailbox.overview import ModelLine
from chatsite.model_choice import model_entry

RECENT = timedelta(hours=24)
LOSSES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class ModelOverview:
    """A model, its queue, and its workers."""

    name: str
    waiting: int
    workers: tuple[wire.Announcement, ...]
    #: Of the programs that prepare the model before a worker starts.
    preparing: tuple[wire.Announcement, ...] = ()
    running: int = 0
    #: How long the oldest reply in line has waited.
    oldest_seconds: float = 0.0
    is_paused: bool = False

    @classmethod
    def of(cls, line: ModelLine) -> ModelOverview:
        """Return the overview of a line of the mailbox."""
        return cls(
            line.name,
            line.waiting,
            line.workers,
            tuple(one for one in line.announced if not one.is_worker),
            line.running,
            round(line.oldest_seconds, 1),
            line.is_paused,
        )

    @property
    def is_used(self) -> bool:
        """Whether anything waits for it or serves it."""
        announced = self.workers or self.preparing
        return bool(self.waiting or self.running or announced or self.is_paused)

    @property
    def slots(self) -> int:
        """How many replies its ready workers write at once."""
        return sum(worker.rows for worker in ready_workers(self.workers))

    @property
    def rows(self) -> int:
        """The same with workers that only finish what they write."""
        return sum(worker.rows for worker in self.workers)

    @property
    def is_broken(self) -> bool:
        """Whether all its workers have ended because they could not load it."""
        return bool(self.workers) and all(
            worker.stage is wire.Stage.BROKEN for worker in self.workers
        )

    @property
    def wait(self) -> WaitEstimate | None:
        """When a message that is sent now would probably start; None if unknown."""
        return None if self.is_paused else estimate_wait(self.waiting, self.workers)


@dataclass(frozen=True, slots=True)
class SiteOverview:
    """The state of the site for its operators."""

    #: The served model first; None while Redis is away.
    models: tuple[ModelOverview, ...] | None
    #: Numbers of replies by state: all unfinished ones, and those that ended recently.
    unfinished: dict[str, int]
    ended: dict[str, int]
    #: Numbers of the failed ones by their reason.
    errors: dict[str, int]
    #: Replies that recently lost a worker, newest first.
    lost: tuple[Reply, ...]
    #: Whether a keeper has swept lately; None while Redis is away.
    has_keeper: bool | None = None


def site_overview() -> SiteOverview:
    """The state of the site, with what ended within ``RECENT``."""
    ended = Reply.objects.generated().filter(finished_at__gte=timezone.now() - RECENT)
    lost = (ended | Reply.objects.unfinished()).filter(losses__gt=0)
    models, has_keeper = model_overviews()
    return SiteOverview(
        models=models,
        unfinished=_counted(Reply.objects.unfinished(), "state"),
        ended=_counted(ended, "state"),
        errors=_counted(ended.exclude(error=""), "error"),
        lost=tuple(lost.order_by("-queued_at")[:LOSSES_SHOWN]),
        has_keeper=has_keeper,
    )


def model_overviews() -> tuple[tuple[ModelOverview, ...] | None, bool | None]:
    """The served model and others in use, and whether a keeper runs; by one script."""
    box = open_mailbox()
    try:
        # The environment of an operator may name another model than that of the site.
        served = box.served_model() or model_entry().name
        seen = box.overview()
    except MailboxAway:
        return None, None
    known = {line.name: ModelOverview.of(line) for line in seen.models}
    first = known.pop(served, ModelOverview(served, 0, ()))
    own = {*settings.CHAT_MODELS} - {served}
    known |= {name: ModelOverview(name, 0, ()) for name in own - known.keys()}
    used = (one for name, one in known.items() if name in own or one.is_used)
    models = (first, *used)
    return models, seen.keeper_seconds is not None


def started_at(worker: wire.Announcement) -> datetime | None:
    """When a worker started; None if it does not say."""
    seconds = worker.started_at
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def busy_rows(worker: wire.Announcement) -> int:
    """How many rows of a worker replies take."""
    return max(0, worker.rows - worker.free + worker.helpers)


def _counted(replies: ReplyQuerySet[Reply], field: str) -> dict[str, int]:
    counted = replies.values_list(field).annotate(Count("pk")).order_by(field)
    return dict(counted)
