"""What the mailbox tells: plain frozen data. Times are seconds since the epoch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from chatsite import wire


@dataclass(frozen=True, slots=True)
class Claim:
    """A reply that this worker, and nobody else, may write."""

    reply: str
    token: str
    attempt: int
    losses: int
    #: The request as JSON: reading it may fail, and then that reply alone fails.
    request: str
    #: True where it ended workers before: nothing else may run beside it.
    runs_alone: bool = False


@dataclass(frozen=True, slots=True)
class Published:
    """What the entry of a reply was published as."""

    attempt: int
    owner: str


@dataclass(frozen=True, slots=True)
class Kept:
    """Answer to a write (kept, stop, refused) or to an end (kept, again, refused)."""

    verdict: str
    #: Bytes of text the mailbox holds now: where the next write begins.
    length: int


@dataclass(frozen=True, slots=True)
class Missing:
    """The mailbox knows nothing of this reply (or nothing for this owner)."""

    is_foreign: bool = False


@dataclass(frozen=True, slots=True)
class Queued:
    """A reply that stands in line."""

    run: int
    ahead: int
    queued_at: float
    losses: int
    #: True where the same person had another in line: others may come before it.
    is_further: bool = False


@dataclass(frozen=True, slots=True)
class Growing:
    """A reply that a worker writes, with the text from byte ``offset`` on."""

    run: int
    tokens: int
    queued_at: float
    started_at: float
    first_text_at: float | None
    losses: int
    is_stopping: bool
    offset: int
    length: int
    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A reply that ended and waits to be collected into the database."""

    run: int
    outcome: wire.Outcome


Entry = Missing | Queued | Growing | Ended


def entry_from(raw: list[Any]) -> Entry:
    """Read one entry as the poll script tells it."""
    match raw:
        case ["queued", run, ahead, queued, losses, further]:
            is_further = bool(further)
            return Queued(int(run), int(ahead), float(queued), int(losses), is_further)
        case ["running", *fields]:
            return _growing(*fields)
        case ["ended", run, outcome]:
            return Ended(int(run), wire.Outcome.read(outcome))
        case [kind]:
            return Missing(is_foreign=kind == "foreign")
    raise ValueError(f"unreadable entry: {raw[:1]}")


def _growing(
    run: str,
    tokens: str,
    queued: str,
    started: str,
    first: str,
    losses: str,
    stop: str,
    offset: int,
    length: int,
    text: str,
) -> Growing:
    return Growing(
        run=int(run),
        tokens=int(tokens),
        queued_at=float(queued),
        started_at=float(started),
        first_text_at=_time(first),
        losses=int(losses),
        is_stopping=bool(stop),
        offset=int(offset),
        length=int(length),
        text=text,
    )


@dataclass(frozen=True, slots=True)
class Look:
    """One poll's answer: the owner it was told to, and what they may know."""

    owner: str
    now: float
    #: The owner's change counter; empty when Redis does not know one.
    changes: str
    waiting: int
    workers: tuple[wire.Announcement, ...]
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Ending:
    """Everything the mailbox kept of a reply that ended, for the database."""

    reply: str
    attempt: int
    losses: int
    outcome: wire.Outcome
    text: str
    worker: str
    queued_at: float
    started_at: float | None
    first_text_at: float | None
    finished_at: float
    #: The engine's words, as ``wire.Ending`` spells them; empty if none ran.
    details: dict[str, Any]

    @classmethod
    def from_hash(cls, reply: str, raw: dict[str, str], text: str) -> Ending:
        return cls(
            reply=reply,
            attempt=int(raw["attempt"]),
            losses=int(raw["losses"]),
            outcome=wire.Outcome.read(raw["outcome"]),
            text=text,
            worker=raw.get("worker", ""),
            queued_at=float(raw["queued"]),
            started_at=_time(raw.get("started")),
            first_text_at=_time(raw.get("first")),
            finished_at=float(raw["finished"]),
            details=json.loads(raw["ending"]),
        )


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A reply whose worker was lost; ``fate`` is queued, stopped or failed."""

    reply: str
    attempt: int
    model: str
    fate: str
    #: How often a worker was lost while it wrote this reply, this time included.
    losses: int
    worker: str


def _time(raw: str | None) -> float | None:
    return float(raw) if raw else None


def announcements_from(raw: list[str], now: float) -> tuple[wire.Announcement, ...]:
    """The announcements that have not expired, by the clock of the server."""
    living = []
    for line in raw:
        expires, _, text = line.partition(" ")
        if float(expires) <= now:
            continue
        try:
            living.append(wire.Announcement.from_json(text))
        except (ValueError, KeyError, TypeError):
            continue  # A worker of another version: its replies are not for us.
    return tuple(sorted(living, key=lambda said: said.worker))
