"""The last 24 hours in steps of half an hour, for the charts of the operator page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone

from chat.models import Sample

STEP = timedelta(minutes=30)
STEPS = 48


@dataclass(slots=True)
class HistoryStep:
    """What ended within one step, of all models."""

    until: datetime
    done: int = 0
    stopped: int = 0
    failed: int = 0
    tokens: int = 0
    #: The most people who got a reply within one of its minutes.
    people: int = 0
    #: Waits, each with the number of replies that it stands for.
    waits: list[tuple[float, float]] = field(default_factory=list)

    @property
    def tokens_per_second(self) -> float:
        """Tokens of prompts and replies, over the whole step."""
        return self.tokens / STEP.total_seconds()

    def wait(self, share: float) -> float | None:
        """The wait that this share of replies did not exceed; None without replies."""
        return percentile(self.waits, share)

    @property
    def median_wait(self) -> float | None:
        """Half of the replies waited at most so many seconds."""
        return self.wait(0.5)

    @property
    def long_wait(self) -> float | None:
        """19 of 20 replies waited at most so many seconds."""
        return self.wait(0.95)


def last_day(now: datetime | None = None) -> list[HistoryStep]:
    """The steps of the last 24 hours, oldest first."""
    end = now or timezone.now()
    begin = end - STEPS * STEP
    steps = [HistoryStep(begin + (n + 1) * STEP) for n in range(STEPS)]
    people: dict[datetime, int] = {}
    for sample in Sample.objects.filter(at__gt=begin, at__lte=end).order_by("at"):
        step = steps[min(STEPS - 1, int((sample.at - begin) / STEP))]
        step.done += sample.done
        step.stopped += sample.stopped
        step.failed += sample.failed
        step.tokens += sample.tokens
        people[sample.at] = people.get(sample.at, 0) + sample.people
        step.people = max(step.people, people[sample.at])
        ended = sample.done + sample.stopped + sample.failed
        weight = max(1.0, ended / max(1, len(sample.waits)))
        step.waits += [(wait, weight) for wait in sample.waits]
    return steps


def percentile(weighted: Sequence[tuple[float, float]], share: float) -> float | None:
    """The smallest value at which the weights up to it reach ``share`` of all."""
    total = sum(weight for _, weight in weighted)
    reached = 0.0
    for value, weight in sorted(weighted):
        reached += weight
        if reached >= share * total:
            return value
    return None
