"""The history that the keeper keeps: one row a minute for each model in use.

A row has what waited and ran at the end of its minute, from the mailbox, and what ended
in it, from the rows of replies. Rows are removed after ``HISTORY_DAYS``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from chat.models import Reply, Sample
from chat.services.wait_estimate import ready_workers
from chatsite.mailbox import open_mailbox
from chatsite.mailbox.overview import ModelLine

MINUTE = timedelta(minutes=1)
#: Waits of one minute that are kept.
WAITS_KEPT = 30
#: After an outage of the keeper or of Redis, at most so many minutes are made up.
CAUGHT_UP = timedelta(minutes=10)
ROWS_PER_BATCH = 2000
#: What is read of each reply that ended.
FIELDS = (
    *("model", "state", "prompt_tokens", "new_tokens", "queued_at", "started_at"),
    "message__owner_id",
)


@dataclass(slots=True)
class Ended:
    """What ended of one model within a minute."""

    tokens: int = 0
    states: dict[str, int] = field(default_factory=dict)
    people: set[UUID] = field(default_factory=set)
    waits: list[float] = field(default_factory=list)


def take_samples() -> None:
    """Note all whole minutes that were not noted yet. Raises ``MailboxAway``.

    Two keepers at once do no harm: a minute of a model is noted once.
    """
    until = _minute(timezone.now())
    newest = Sample.objects.order_by("-at").values_list("at", flat=True).first()
    since = max(newest or until - MINUTE, until - CAUGHT_UP)
    if since >= until:
        return
    lines = open_mailbox().overview().models
    while since < until:
        since += MINUTE
        ended = _ended_between(since - MINUTE, since)
        seen = lines if since == until else ()
        rows = list(_rows(since, seen, ended))
        Sample.objects.bulk_create(rows, ignore_conflicts=True)
    _prune(until)


def _minute(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(second=0, microsecond=0)


def _ended_between(since: datetime, until: datetime) -> dict[str, Ended]:
    """What ended, by model."""
    found: dict[str, Ended] = {}
    replies = Reply.objects.generated().filter(
        finished_at__gte=since, finished_at__lt=until
    )
    for model, state, prompt, new, queued, started, owner in replies.values_list(
        *FIELDS
    ):
        ended = found.setdefault(model, Ended())
        ended.tokens += (prompt or 0) + (new or 0)
        ended.states[state] = ended.states.get(state, 0) + 1
        ended.people.add(owner)
        if queued and started:
            ended.waits.append(max(0.0, (started - queued).total_seconds()))
    return found


def _rows(
    at: datetime, lines: Sequence[ModelLine], ended: dict[str, Ended]
) -> Iterable[Sample]:
    """A row for each model that is in use. An idle minute without workers has none."""
    known = {line.name: line for line in lines}
    for model in sorted({*known, *ended}):
        line, over = known.get(model), ended.get(model, Ended())
        slots = sum(one.rows for one in ready_workers(line.workers)) if line else 0
        sample = Sample(
            at=at,
            model=model,
            waiting=line.waiting if line else 0,
            running=line.running if line else 0,
            slots=slots,
            tokens=over.tokens,
            people=len(over.people),
            waits=_spread(over.waits),
            **over.states,
        )
        if over.states or sample.waiting or sample.running or slots:
            yield sample


def _spread(waits: list[float]) -> list[float]:
    """A few of many waits, evenly from the shortest to the longest."""
    ordered = sorted(round(wait, 2) for wait in waits)
    if len(ordered) <= WAITS_KEPT:
        return ordered
    last = len(ordered) - 1
    return [ordered[round(n * last / (WAITS_KEPT - 1))] for n in range(WAITS_KEPT)]


def _prune(now: datetime) -> None:
    """Remove a batch of old rows."""
    late = Sample.objects.filter(at__lt=now - timedelta(days=settings.HISTORY_DAYS))
    if pks := list(late.order_by("at").values_list("pk", flat=True)[:ROWS_PER_BATCH]):
        Sample.objects.filter(pk__in=pks).delete()
