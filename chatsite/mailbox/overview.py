"""The state of the whole site, for operators and measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from chatsite import wire
from chatsite.mailbox.announcements import announcements_from
from chatsite.mailbox.connection import MailboxCalls, key_of, paused_key
from chatsite.mailbox.workers import ORDER_SECONDS


@dataclass(frozen=True, slots=True)
class ModelLine:
    """What waits for one model, what is written, and who serves it."""

    name: str
    #: Replies to people in line, and helper jobs.
    people: int
    helpers: int
    #: How many seconds ago the oldest of them joined the line; 0 if none waits.
    oldest_seconds: float
    #: Replies that are leased to workers.
    running: int
    #: Announcements, also of programs that only prepare the model.
    announced: tuple[wire.Announcement, ...]
    #: Whether an operator has paused it: workers take nothing from its line.
    is_paused: bool

    @property
    def waiting(self) -> int:
        """Replies in line, helper jobs included."""
        return self.people + self.helpers

    @property
    def workers(self) -> tuple[wire.Announcement, ...]:
        """The workers, without the programs that prepare the model."""
        return tuple(one for one in self.announced if one.is_worker)


@dataclass(frozen=True, slots=True)
class MailboxOverview:
    """The lines of all models, and what was counted since Redis was emptied."""

    #: By the clock of the server, in seconds since the epoch.
    now: float
    #: Seconds since a keeper swept; None if none did lately.
    keeper_seconds: float | None
    counts: Mapping[str, float]
    models: tuple[ModelLine, ...]


class OverviewCalls(MailboxCalls):
    """What operators and measurements ask, and what operators order."""

    def order(self, model: str, worker: str, order: wire.WorkerOrder) -> None:
        """Order a worker, which obeys at its next announcement, within a second."""
        name = key_of("workers", f"{model}:order:{worker}")
        self.connection.command("SET", name, order.value, "EX", ORDER_SECONDS)

    def pause(self, model: str) -> None:
        """Let no worker take anything from the line of a model; may be repeated."""
        self.connection.command("SET", paused_key(model), "1")

    def unpause(self, model: str) -> None:
        """Let workers take again from the line of a model."""
        self.connection.command("DEL", paused_key(model))

    def overview(self) -> MailboxOverview:
        """The state of all models, in one round trip."""
        time, swept, counts, models = self.connection.run("overview")
        now = float(time)
        return MailboxOverview(
            now=now,
            keeper_seconds=_age(swept, now),
            counts=_counts(counts),
            models=tuple(sorted((_line(raw, now) for raw in models), key=_name)),
        )


def _line(raw: list[Any], now: float) -> ModelLine:
    name, people, helpers, queued, running, announced, paused = raw
    return ModelLine(
        name=name,
        people=int(people),
        helpers=int(helpers),
        oldest_seconds=_age(queued, now) or 0.0,
        running=int(running),
        announced=announcements_from(announced, now),
        is_paused=bool(paused),
    )


def _counts(words: Sequence[str]) -> dict[str, float]:
    """Read pairs of a name and a number, without those that are none."""
    counts = {}
    for name, count in zip(words[::2], words[1::2], strict=True):
        with suppress(ValueError):
            counts[name] = float(count)
    return counts


def _name(line: ModelLine) -> str:
    return line.name


def _age(stamp: str, now: float) -> float | None:
    """Seconds since a stamp; None for what an earlier release wrote, or nothing."""
    try:
        return max(0.0, now - float(stamp))
    except ValueError:
        return None
