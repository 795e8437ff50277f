"""What the mailbox returns: plain frozen data.

Times are in seconds since 1970-01-01 UTC, lengths and offsets in bytes of UTF-8.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from time import time
from typing import Any, NamedTuple

from chatsite import wire
from chatsite.mailbox.notice import Notice

#: A reply that a page shows: its id, its run, and the bytes of text shown so far.
ReplyCursor = tuple[str, int, int]


class Write(NamedTuple):
    """Text that a worker adds. Offsets are in bytes."""

    reply: str
    #: The fencing token of the claim.
    token: str
    offset: int
    text: str
    #: Tokens so far.
    tokens: int
    #: Further lines of log probabilities, if the request asks for them.
    logprobs: str = ""
    logprobs_offset: int = 0


#: The same without log probabilities.
TextWrite = tuple[str, str, int, str, int]


@dataclass(frozen=True, slots=True)
class Claim:
    """A reply that this worker, and no other, may write."""

    reply: str
    token: str
    attempt: int
    losses: int
    #: The request as JSON. If it cannot be read, only this reply fails.
    request: str
    #: Whether no other reply may run beside it, because it has lost workers before.
    runs_alone: bool = False
    #: Whether it waits for people and gives its row to them.
    is_helper: bool = False
    #: How often it was handed back after a fault that it may have caused.
    faults: int = 0


@dataclass(frozen=True, slots=True)
class Publication:
    """The attempt and the owner with which a reply was put into the line."""

    attempt: int
    owner: str


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The answer to text that a worker wrote.

    ``verdict`` is ``kept``, ``stop`` or ``refused`` for a write, and ``kept``,
    ``again`` or ``refused`` for the end of a reply.
    """

    verdict: str
    #: Bytes of text that the mailbox holds: the offset of the next write.
    length: int
    #: The same for the lines of log probabilities.
    logprobs_length: int = 0


@dataclass(frozen=True, slots=True)
class MissingReply:
    """The mailbox does not know this reply, or it belongs to another owner."""

    is_foreign: bool = False


@dataclass(frozen=True, slots=True)
class QueuedReply:
    """A reply that waits in line, behind ``ahead`` others."""

    run: int
    ahead: int
    queued_at: float
    losses: int
    #: Whether the same person has an earlier reply in line: others may overtake then.
    is_further: bool = False
    #: The model whose line it is.
    model: str = ""
    #: Whether it waits until workers are idle.
    is_helper: bool = False


@dataclass(frozen=True, slots=True)
class RunningReply:
    """A reply that a worker is writing, with its text from byte ``offset`` on."""

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
    is_helper: bool = False


@dataclass(frozen=True, slots=True)
class EndedReply:
    """A reply that ended. The keeper has not yet collected it into the database."""

    run: int
    outcome: wire.Outcome


MailboxReply = MissingReply | QueuedReply | RunningReply | EndedReply


def reply_from(raw: list[Any]) -> MailboxReply:
    """One reply of the poll script's answer; one that cannot be read is missing."""
    try:
        return _reply_from(raw)
    except (ValueError, TypeError):
        return MissingReply()


def _reply_from(raw: list[Any]) -> MailboxReply:
    match raw:
        case ["queued", run, ahead, queued, losses, further, model, kind]:
            return QueuedReply(
                *(int(run), int(ahead), float(queued), int(losses)),
                is_further=bool(further),
                model=model,
                is_helper=kind == wire.RequestKind.HELPER,
            )
        case ["running", *fields]:
            return _running(*fields)
        case ["ended", run, outcome]:
            return EndedReply(int(run), wire.Outcome.read(outcome))
        case [kind]:
            return MissingReply(is_foreign=kind == "foreign")
    raise ValueError(f"unreadable reply: {raw[:1]}")


def _running(
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
    kind: str,
) -> RunningReply:
    return RunningReply(
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
        is_helper=kind == wire.RequestKind.HELPER,
    )


class LiveState(StrEnum):
    """The state of a reply in the mailbox."""

    MISSING = "missing"
    QUEUED = "queued"
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class LiveReply:
    """A reply that a call waits for; ``text`` begins at byte ``offset``."""

    state: LiveState
    run: int = 0
    tokens: int = 0
    offset: int = 0
    text: str = ""


def live_reply_from(raw: list[Any]) -> LiveReply:
    """One reply of the script ``live``; one that cannot be read is missing."""
    try:
        state, *running = raw
        if not running:
            return LiveReply(LiveState(state))
        run, tokens, offset, text = running
        return LiveReply(LiveState(state), int(run), int(tokens), int(offset), text)
    except (ValueError, TypeError):
        return LiveReply(LiveState.MISSING)


@dataclass(frozen=True, slots=True)
class MailboxSnapshot:
    """What one poll reads of the mailbox, as far as its owner may know."""

    owner: str
    now: float
    #: The owner's change counter; empty if Redis has none.
    changes: str
    waiting: int
    workers: tuple[wire.Announcement, ...]
    replies: tuple[MailboxReply, ...]
    #: Whether an operator has paused the model.
    is_paused: bool = False
    #: The sentence that operators show on every page.
    notice: Notice | None = None


@dataclass(frozen=True, slots=True)
class FinishedReply:
    """All that the mailbox has of a reply that ended, for the database."""

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
    #: The fields of ``wire.Ending``; empty if no engine ran.
    details: dict[str, Any]

    @classmethod
    def from_hash(cls, reply: str, raw: Mapping[str, str], text: str) -> FinishedReply:
        """Read the hash of a reply, with its text. Raises ``KeyError``, ``ValueError``.

        What is only told of the reply, such as times, may be unreadable.
        """
        queued = _time(raw.get("queued"))
        finished = _time(raw.get("finished"))
        return cls(
            reply=reply,
            attempt=int(raw["attempt"]),
            losses=_count(raw.get("losses")),
            outcome=wire.Outcome.read(raw["outcome"]),
            text=text,
            worker=raw.get("worker", ""),
            queued_at=queued or finished or time(),
            started_at=_time(raw.get("started")),
            first_text_at=_time(raw.get("first")),
            finished_at=finished or time(),
            details=json.loads(raw["ending"]),
        )


@dataclass(frozen=True, slots=True)
class LostReply:
    """A reply of a lost worker, and what became of it.

    ``fate`` is ``queued``, ``stopped``, ``failed``, or ``forgotten`` if its entry could
    not be read; then the keeper publishes it again.
    """

    reply: str
    attempt: int
    model: str
    fate: str
    #: How many workers were lost while they wrote this reply, this one included.
    losses: int
    worker: str


def _time(raw: str | None) -> float | None:
    try:
        return float(raw) if raw else None
    except ValueError:
        return None


def _count(raw: str | None) -> int:
    try:
        return int(raw or 0)
    except ValueError:
        return 0
