"""Workers and queues of all models, for users who pick one and for operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count
from django.utils import timezone

from chat.models import Reply
from chat.models.reply import ReplyQuerySet
from chat.services.wait_estimate import WaitEstimate, estimate_wait, ready_workers
from chatsite import wire
from chatsite.catalog import ModelEntry
from chatsite.mailbox import MailboxAway, open_mailbox
from chatsite.model_choice import current_catalog, model_entry


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One model that users can pick, with its workers and its queue."""

    entry: ModelEntry
    #: Whether it is the site's current choice.
    is_default: bool
    waiting: int = 0
    workers: Sequence[wire.Announcement] = ()
    #: False while Redis is away.
    is_known: bool = True
    #: Whether an operator has paused it.
    is_paused: bool = False

    @property
    def ready(self) -> int:
        """The number of ready workers."""
        return len(ready_workers(self.workers))

    @property
    def wait(self) -> WaitEstimate | None:
        """When the reply to a message that is sent now would probably start."""
        return None if self.is_paused else estimate_wait(self.waiting, self.workers)


def model_statuses() -> list[ModelStatus]:
    """The models that users can pick, including the current one if it is hidden."""
    default, box = model_entry(), open_mailbox()
    entries = list(current_catalog().entries)
    if default.name not in {entry.name for entry in entries}:
        entries.insert(0, default)
    try:
        return [
            ModelStatus(
                entry,
                entry.name == default.name,
                box.waiting(entry.name),
                box.workers(entry.name),
                is_paused=box.is_paused(entry.name),
            )
            for entry in entries
        ]
    except MailboxAway:
        return [
            ModelStatus(entry, entry.name == default.name, is_known=False)
            for entry in entries
        ]


def precisions_of(model: str) -> set[str]:
    """The precisions in which a model's ready workers compute; empty if unknown."""
    try:
        ready = ready_workers(open_mailbox().workers(model))
    except MailboxAway:
        return set()
    return {worker.precision for worker in ready if worker.precision}


RECENT = timedelta(hours=24)
LOSSES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class ModelOverview:
    """A model, the length of its queue, and its workers."""

    name: str
    waiting: int
    workers: tuple[wire.Announcement, ...]
    #: Of the programs that prepare the model before a worker starts.
    preparing: tuple[wire.Announcement, ...] = ()


@dataclass(frozen=True, slots=True)
class SiteOverview:
    """The state of the site for its operators."""

    #: None while Redis is away.
    models: tuple[ModelOverview, ...] | None
    #: Numbers of replies by state: all unfinished ones, and those that ended recently.
    unfinished: dict[str, int]
    ended: dict[str, int]
    #: Numbers of the failed ones by their reason.
    errors: dict[str, int]
    #: Replies that recently lost a worker, newest first.
    lost: tuple[Reply, ...]


def site_overview() -> SiteOverview:
    """The state of the site, with what ended within ``RECENT``."""
    ended = Reply.objects.filter(finished_at__gte=timezone.now() - RECENT)
    lost = (ended | Reply.objects.unfinished()).filter(losses__gt=0)
    return SiteOverview(
        models=_models(),
        unfinished=_counted(Reply.objects.unfinished(), "state"),
        ended=_counted(ended, "state"),
        errors=_counted(ended.exclude(error=""), "error"),
        lost=tuple(lost.order_by("-queued_at")[:LOSSES_SHOWN]),
    )


def _models() -> tuple[ModelOverview, ...] | None:
    """Return the served model, then the others for which anything waits or runs."""
    box = open_mailbox()
    try:
        # The environment of an operator may name another model than that of the site.
        served = box.served_model() or model_entry().name
        others = [_overview(name) for name in box.models() if name != served]
        used = (one for one in others if one.waiting or one.workers or one.preparing)
        return (_overview(served), *used)
    except MailboxAway:
        return None


def _overview(name: str) -> ModelOverview:
    box = open_mailbox()
    announced = box.workers(name)
    return ModelOverview(
        name,
        box.waiting(name),
        workers=tuple(one for one in announced if one.is_worker),
        preparing=tuple(one for one in announced if not one.is_worker),
    )


def _counted(replies: ReplyQuerySet, field: str) -> dict[str, int]:
    counted = replies.values_list(field).annotate(Count("pk")).order_by(field)
    return dict(counted)
